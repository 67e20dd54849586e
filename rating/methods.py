"""How ratings are made from the votes or marks of one board: a function for each method, and a table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.style import FEATURES
from rating import stats
from rating.contrasts import contrasts_of
from rating.data import Looks, Marks, Votes
from rating.details import coefficients, number
from rating.models import Rating
from rating.sorting import Sorting
from rating.stats.calibrated import calibrated
from rating.stats.intervals import student
from rating.stats.ranks import Ranks, ranked
from rating.stats.style import fit_styled, relative_difference

SHUFFLES = 20
BT, ELO, STYLE, SCORE = Rating.Method.BT, Rating.Method.ELO, Rating.Method.STYLE, Rating.Method.SCORE
STYLE_UNKNOWN = "style_unknown"
"""Note: votes on answers whose style is not known are left out."""
STYLE_NOWHERE = "no votes on answers whose style is known"
"""Note: why there is no board with style held equal."""
ORDER_SPREAD = "order_spread"
"""Note: the interval is what other orders of the same votes would give."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass
class Recipe:
    """How ratings are made: level of intervals, Elo's K, by which methods, the features of style that are held equal, the
    weights of the total over categories, and the kind of each category, by ids."""

    level: float = 0.95
    k: float = 32.0
    methods: tuple[str, ...] = tuple(Rating.Method.values)
    style: tuple[str, ...] = FEATURES
    mode: str = "mean"
    weights: dict[int, float] = field(default_factory=dict)
    kinds: dict[int, int] = field(default_factory=dict)

    @property
    def wants_style(self) -> bool:
        return bool(self.style) and STYLE in self.methods


@dataclass(frozen=True)
class Part:
    """Some of the rows: those of a category or of a kind of them (None: of all), in a language ("": in all).

    `codes` are the categories in it, as codes.
    """

    category: int | None
    language: str = ""
    codes: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Coded:
    """The rows of `table` with models, questions and categories as codes 0, 1, 2 …; `models`, `categories` are their ids.

    `columns` are what a method takes; `looks` of the votes' answers where style is known. `kinds` are the ids of kinds of
    categories, `kind` (c,) the code of each category's, -1 for none; `language` (n,) of each row, -1 for none.
    """

    table: Votes | Marks
    models: Ints
    categories: Ints
    category: Ints
    columns: tuple[NDArray[Any], ...]
    kinds: Ints
    kind: Ints
    languages: tuple[str, ...]
    language: Ints
    looks: Looks | None = None

    def of(self, rows: Ints) -> tuple[NDArray[Any], ...]:
        """The coded columns of these rows: what a method takes."""
        return tuple(column[rows] for column in self.columns)

    def parts(self, rows: Ints) -> Iterator[tuple[Part, Ints]]:
        """These rows, then those of each of their categories, of each kind of categories, and of each language."""
        codes = self.category[rows]
        there = np.flatnonzero(np.bincount(codes, minlength=len(self.categories)))
        yield Part(None, codes=frozenset(there.tolist())), rows
        for code in there:
            yield Part(int(self.categories[code]), codes=frozenset([int(code)])), rows[codes == code]
        for place, kind in enumerate(self.kinds):
            mine = there[self.kind[there] == place]
            if len(mine):
                yield Part(int(kind), codes=frozenset(mine.tolist())), rows[np.isin(codes, mine)]
        for place, name in enumerate(self.languages):
            if (spoken := rows[self.language[rows] == place]).size:
                yield Part(None, name), spoken

    def among(self, rows: NDArray[np.bool_], part: Part) -> Ints:
        """Of the rows of a mask (n,) those in this part."""
        if part.language:
            return np.flatnonzero(rows & (self.language == self.languages.index(part.language)))
        if part.category is None:
            return np.flatnonzero(rows)
        return np.flatnonzero(rows & np.isin(self.category, list(part.codes)))


@dataclass(frozen=True)
class Told:
    """What a method says: `rows` by model id, notes by name, and `details` as plain data, such as coefficients of style.

    `contrasts` is what the models have in common, packed; empty where the method has no margin of error.
    """

    rows: dict[int, dict[str, Any]]
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    contrasts: bytes = b""


Rate = Callable[[Coded, Ints, Recipe], Told]


def coded_votes(votes: Votes, looks: Looks | None = None, sorting: Sorting | None = None) -> Coded:
    """The votes, coded once for all boards."""
    models, codes = np.unique(np.concatenate([votes.first, votes.second]), return_inverse=True)
    first, second = codes.astype(np.int32).reshape(2, -1)
    whole = votes.value.astype(np.int8)
    value = whole if np.array_equal(whole, votes.value) else votes.value
    columns = first, second, value, _codes(votes.cluster)[1]
    return _coded(votes, models, columns, looks, sorting or Sorting())


def coded_marks(marks: Marks, sorting: Sorting | None = None) -> Coded:
    """The marks, coded once for all boards."""
    models, codes = _codes(marks.model)
    return _coded(marks, models, (codes, marks.score, _codes(marks.cluster)[1]), None, sorting or Sorting())


def _coded(
    table: Votes | Marks, models: Ints, columns: tuple[NDArray[Any], ...], looks: Looks | None, sorting: Sorting
) -> Coded:
    categories, category = _codes(table.category)
    kind_of = sorting.kind_of(categories)
    kinds = np.unique(kind_of[kind_of >= 0])
    kind = np.where(kind_of >= 0, np.searchsorted(kinds, kind_of), -1)
    language = sorting.language_of(table.cluster) if sorting.languages else np.empty(0, dtype=np.int64)
    return Coded(table, models, categories, category, columns, kinds, kind, sorting.languages, language, looks)


def _codes(ids: Ints) -> tuple[Ints, NDArray[np.int32]]:
    """The different ids in their order, and the place of each row's among them. Ids of one table lie close together."""
    low, high = int(ids.min(initial=0)), int(ids.max(initial=0))
    if high - low > 4 * len(ids) + 1000:
        found, codes = np.unique(ids, return_inverse=True)
        return found, codes.astype(np.int32)
    there = np.zeros(high - low + 1, dtype=np.int32)
    there[ids - low] = 1
    found = np.flatnonzero(there) if len(ids) else np.empty(0, dtype=np.int64)
    return found + low, (np.cumsum(there, dtype=np.int32) - 1)[ids - low]


def bradley_terry(coded: Coded, rows: Ints, recipe: Recipe) -> Told:
    """Strengths with intervals clustered by question."""
    battles = stats.Battles(*coded.of(rows))
    fitted = stats.fit(battles, len(coded.models), level=recipe.level)
    found = told(coded.models, fitted, stats.counts(battles, len(coded.models)), level=recipe.level)
    return _with_contrasts(found, coded.models, fitted, level=recipe.level)


def told(
    models: Ints, fitted: stats.Strengths, table: stats.Counts, *, level: float, details: dict[str, Any] | None = None
) -> Told:
    """Rows of the models that have battles, from a fit and its counts."""
    ranks = stats.rank_ranges(fitted, level=level)
    columns = fitted.rating, fitted.low, fitted.high, ranks, fitted.n, _win_rates(table), fitted.widening(level=level)
    return Told(rows_by_model(models, *columns), fitted.notes, details or {})


def _with_contrasts(found: Told, models: Ints, fitted: stats.Strengths, *, level: float) -> Told:
    apart = stats.POINTS_PER_NAT * stats.strength_contrasts(fitted, level=level)
    return replace(found, contrasts=contrasts_of(models, fitted.high - fitted.rating, apart).packed())


def _win_rates(table: stats.Counts) -> Floats:
    games = table.games.sum(axis=1)
    return np.divide(table.wins.sum(axis=1), games, out=np.full(games.shape, np.nan), where=games > 0)


def elo(coded: Coded, rows: Ints, recipe: Recipe) -> Told:
    """Online Elo in the order of the record; low and high are what other orders of the same votes would give."""
    battles, models = stats.Battles(*coded.of(rows)), len(coded.models)
    rating = stats.online_elo(battles, models, k=recipe.k)
    spread = stats.shuffled_elo(battles, models, k=recipe.k, shuffles=SHUFFLES)
    low, high = np.minimum(spread.low, rating), np.maximum(spread.high, rating)
    table = stats.counts(battles, models)
    games = table.games.sum(axis=1)
    ranks = ranked(rating, low[:, None] > high[None, :], component=np.where(games > 0, 0, -1))
    return Told(rows_by_model(coded.models, rating, low, high, ranks, games, _win_rates(table)), (ORDER_SPREAD,))


def styled(coded: Coded, rows: Ints, recipe: Recipe) -> Told:
    """Strengths with style held equal. On which side an answer stands is arbitrary here, so nothing is centred on it."""
    looks = coded.looks
    known = rows[looks.known[rows]] if looks is not None else rows[:0]
    if not known.size:
        raise stats.TooLittleData(STYLE_NOWHERE)
    battles, models = stats.Battles(*coded.of(known)), len(coded.models)
    style = {
        name: relative_difference(looks.first[known, place], looks.second[known, place])
        for place, name in enumerate(FEATURES)
        if name in recipe.style
    }
    fitted = fit_styled(battles, models, style=style, centred=False, level=recipe.level)
    found = told(
        coded.models, fitted, stats.counts(battles, models), level=recipe.level, details={"style": coefficients(fitted)}
    )
    found = _with_contrasts(found, coded.models, fitted, level=recipe.level)
    return found if known.size == rows.size else replace(found, notes=(*found.notes, STYLE_UNKNOWN))


def corrected(coded: Coded, people: Ints, judged: Ints, recipe: Recipe) -> Told:
    """People's ratings made narrower by the machine judges' verdicts `judged`; `n` counts people's votes."""
    votes, models = stats.Battles(*coded.of(people)), len(coded.models)
    found = calibrated(votes, stats.Battles(*coded.of(judged)), models, level=recipe.level)
    numbers = {"weight": found.weight, "votes": found.votes, "paired": found.paired, "judged": found.judged}
    details = {"calibrated": {**numbers, "equivalent_votes": number(found.equivalent_votes)}}
    rows = told(coded.models, found.combined, stats.counts(votes, models), level=recipe.level, details=details)
    rows = _with_contrasts(rows, coded.models, found.combined, level=recipe.level)
    return replace(rows, notes=found.notes)


def scores(coded: Coded, rows: Ints, recipe: Recipe) -> Told:
    """Mean scores with intervals clustered by question."""
    model, score, cluster = coded.of(rows)
    models = len(coded.models)
    means = stats.mean_scores(model, score, cluster, models, level=recipe.level)
    ranks = stats.rank_means(model, score, cluster, models, level=recipe.level)
    inflation = _inflation_of_means(model, score, means, level=recipe.level)
    unknown = np.full(models, np.nan)
    columns = means.mean, means.low, means.high, ranks, means.n, unknown, inflation
    apart = stats.mean_contrasts(model, score, cluster, means, level=recipe.level)
    kept = contrasts_of(coded.models, means.high - means.mean, apart).packed()
    return Told(rows_by_model(coded.models, *columns), means.notes, contrasts=kept)


def _inflation_of_means(model: Ints, score: Floats, means: stats.Means, *, level: float) -> Floats:
    """How much wider the square of each interval is than if every score stood alone; NaN where that is not known."""
    apart = score - means.mean[model]
    spread = np.bincount(model, apart * apart, minlength=len(means.mean))
    alone = student(level, np.inf) ** 2 * spread / np.maximum(means.n - 1, 1) / np.maximum(means.n, 1)
    return np.divide((means.high - means.mean) ** 2, alone, out=np.full(alone.shape, np.nan), where=alone > 0)


def rows_by_model(
    models: Ints, rating: Floats, low: Floats, high: Floats, ranks: Ranks, n: Any, win_rate: Floats,
    inflation: Floats | None = None,
) -> dict[int, dict]:  # fmt: skip
    """Plain data by model id; a model without judgments has no row."""
    return {
        int(models[place]): {
            "rating": number(rating[place]),
            "low": number(low[place]),
            "high": number(high[place]),
            "rank": int(ranks.rank[place]) or None,
            "rank_low": int(ranks.low[place]) or None,
            "rank_high": int(ranks.high[place]) or None,
            "n": round(n[place]),
            "win_rate": number(win_rate[place]),
            "inflation": None if inflation is None else number(inflation[place]),
        }
        for place in np.flatnonzero(n)
    }


OF_VOTES: dict[str, Rate] = {BT: bradley_terry, ELO: elo, STYLE: styled}
OF_MARKS: dict[str, Rate] = {SCORE: scores}
