"""How a battle file is rated: a function for each method, and a table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rating import stats
from rating.details import coefficients, number
from rating.files.battles import BattleFile
from rating.stats.bootstrap import bootstrap_counts, bootstrap_questions
from rating.stats.bradley_terry import Strengths
from rating.stats.ranks import Ranks, ranked
from rating.stats.rates import win_rates_of_counts
from rating.stats.style import fit_styled
from rating.stats.ties import INDEPENDENT, TieModel, compare_ties, davidson, rao_kupper

ALL = "all"
SHUFFLES = 20  # as many as for a board of the record
ORDER_SPREAD = "order_spread"
BASELINE = "only battles of the baseline count; it stands at one half by definition"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class How:
    """How a file is rated: `anchor` is a model and the rating it is to have, `strong` what a much better answer counts,
    `draws` of the bootstrap (0: none), `baseline` the model whose battles alone make win rates."""

    method: str = "bt"
    source: str = ALL
    level: float = 0.95
    k: float = 32.0
    anchor: tuple[str, float] | None = None
    baseline: str | None = None
    clustered: bool = True
    centred: bool = False
    strong: int = 1
    draws: int = 0
    rule: Literal["difference", "overlap"] = "difference"

    def check(self) -> None:
        """Raise ImpossibleInput for an option that says nothing to the method."""
        given = {
            "--anchor": (self.anchor, ("bt", "style", "davidson", "rao_kupper")),
            "--baseline": (self.baseline, ("win_rate",)),
            "--bootstrap": (self.draws, ("bt",)),
            "--centred": (self.centred, ("style",)),
            "--strong 3": (self.strong > 1, ("bt",)),
        }
        for option, (value, methods) in given.items():
            if value and self.method not in methods:
                raise stats.ImpossibleInput(f"{option} goes with method {' or '.join(methods)}, not {self.method}")
        if self.draws and self.strong > 1:
            raise stats.ImpossibleInput("--bootstrap draws battles that all count the same: not with --strong 3")


@dataclass(frozen=True)
class Rated:
    """Ratings of m models by one method, (m,) each; `more` is what the method says beside them, as plain data."""

    rating: Floats
    low: Floats
    high: Floats
    ranks: Ranks
    notes: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


def _anchor(file: BattleFile, how: How) -> tuple[int, float] | None:
    if how.anchor is None or how.anchor[0] not in file.models:
        return None
    return file.models.index(how.anchor[0]), how.anchor[1]


def _by_question(file: BattleFile, how: How) -> bool:
    """Whether questions are independent, and not battles."""
    return how.clustered and file.cluster is not None


def _apart(rating: Floats, low: Floats, high: Floats, component: Any = None) -> Ranks:
    """Ranks where only intervals that do not overlap are sure."""
    component = np.zeros(rating.size, dtype=np.int64) if component is None else component
    return ranked(rating, low[:, None] > high[None, :], component=component)


def _bradley_terry(file: BattleFile, table: stats.Counts, how: How) -> Rated:
    anchor, models = _anchor(file, how), len(file.models)
    if _by_question(file, how) or how.strong > 1:
        clustered = _by_question(file, how)
        fitted = stats.fit(file.battles, models, anchor=anchor, clustered=clustered, level=how.level, strong=how.strong)
    else:
        fitted = stats.fit_counts(table, anchor=anchor, level=how.level)
    return _drawn_again(fitted, file, table, how) if how.draws else _of_strengths(fitted, how)


def _of_strengths(fitted: Strengths, how: How, **more: Any) -> Rated:
    ranks = stats.rank_ranges(fitted, level=how.level, rule=how.rule)
    return Rated(fitted.rating, fitted.low, fitted.high, ranks, fitted.notes, more)


def _drawn_again(fitted: Strengths, file: BattleFile, table: stats.Counts, how: How) -> Rated:
    """The same ratings with intervals of the bootstrap; ranks from the covariance of the draws, or from the intervals."""
    models, by_question = len(file.models), _by_question(file, how)
    if by_question:
        found = bootstrap_questions(file.battles, models, draws=how.draws, level=how.level)
    else:
        found = bootstrap_counts(table, draws=how.draws, level=how.level)
    moved = fitted.rating - found.rating  # to the anchor
    low, high = found.low + moved, found.high + moved
    more = {
        "bootstrap": {
            "draws": how.draws,
            "of": "questions" if by_question else "battles",
            "separated": found.separated,
        }
    }
    notes = found.notes
    if how.rule == "overlap":
        return Rated(fitted.rating, low, high, _apart(fitted.rating, low, high, fitted.component), notes, more)
    again = replace(fitted, covariance=found.covariance, freedom=found.freedom)
    return Rated(fitted.rating, low, high, stats.rank_ranges(again, level=how.level), notes, more)


def _elo(file: BattleFile, table: stats.Counts, how: How) -> Rated:
    """Elo in the order of time; low and high are what other orders of the same battles give."""
    battles, models = file.battles, len(file.models)
    rating = stats.online_elo(battles, models, k=how.k)
    spread = stats.shuffled_elo(battles, models, k=how.k, shuffles=SHUFFLES)
    low, high = np.minimum(spread.low, rating), np.maximum(spread.high, rating)
    return Rated(rating, low, high, _apart(rating, low, high), (ORDER_SPREAD,))


def _style(file: BattleFile, table: stats.Counts, how: How) -> Rated:
    fitted = fit_styled(
        file.battles,
        len(file.models),
        style=file.style,
        centred=how.centred,
        anchor=_anchor(file, how),
        clustered=_by_question(file, how),
        level=how.level,
    )
    return _of_strengths(fitted, how, style=coefficients(fitted))


def _davidson(file: BattleFile, table: stats.Counts, how: How) -> Rated:
    return _of_tie_model(davidson(table, battles=_questions(file, how), level=how.level), file, table, how)


def _rao_kupper(file: BattleFile, table: stats.Counts, how: How) -> Rated:
    return _of_tie_model(rao_kupper(table, battles=_questions(file, how), level=how.level), file, table, how)


def _questions(file: BattleFile, how: How) -> stats.Battles | None:
    """The battles with their questions, where those are to be taken together."""
    return file.battles if _by_question(file, how) else None


def _of_tie_model(found: TieModel, file: BattleFile, table: stats.Counts, how: How) -> Rated:
    anchor = _anchor(file, how)
    moved = anchor[1] - found.rating[anchor[0]] if anchor else 0.0
    fitted = Strengths(
        strength=found.strength,
        covariance=found.covariance,
        freedom=found.freedom,
        rating=found.rating + moved,
        low=found.low + moved,
        high=found.high + moved,
        component=np.zeros(found.strength.size, dtype=np.int64),
        n=found.n,
        converged=True,
        notes=tuple(note for note in found.notes if note != INDEPENDENT),  # they are: the file has no questions
    )
    ties = {
        "parameter": number(found.tie),
        "low": number(found.tie_low),
        "high": number(found.tie_high),
        "log_likelihood": number(found.log_likelihood),
    }
    return _of_strengths(fitted, how, ties={**ties, **_compared(table)})


def _compared(table: stats.Counts) -> dict[str, Any]:
    """Which way to read ties the battles speak for, and by how much of Akaike's criterion; None where one has no answer."""
    try:
        found = compare_ties(table)
    except stats.NotConverged:
        return {"best": None, "lead": None}
    return {"best": found.best, "lead": number(found.lead)}


def _win_rate(file: BattleFile, table: stats.Counts, how: How) -> Rated:
    """Shares of battles won, a tie as half a win; of a baseline's battles, which stands at one half itself."""
    if _by_question(file, how):
        found = stats.win_rates(file.battles, len(file.models), level=how.level)
    else:
        found = win_rates_of_counts(table, level=how.level)
    rating, low, high = found.win_rate.copy(), found.low.copy(), found.high.copy()
    if how.baseline:
        place = file.models.index(how.baseline)
        rating[place] = low[place] = high[place] = 0.5
    rates = [
        {
            "model": model,
            "wins": int(found.wins[place]),
            "ties": int(found.ties[place]),
            "losses": int(found.losses[place]),
            "mean_rate": number(found.mean_rate[place]),
        }
        for place, model in enumerate(file.models)
    ]
    notes = (BASELINE,) if how.baseline else ()
    return Rated(rating, low, high, _apart(rating, low, high), notes, {"rates": rates})


METHODS: dict[str, Callable[[BattleFile, stats.Counts, How], Rated]] = {
    "bt": _bradley_terry,
    "elo": _elo,
    "style": _style,
    "davidson": _davidson,
    "rao_kupper": _rao_kupper,
    "win_rate": _win_rate,
}
