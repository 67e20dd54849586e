"""The tie band of a reward judge, fitted to how often people call a battle a tie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from arena.models import Benchmark
from judging.editing_judges import mark, said_of, save
from judging.judges.reward import fit_tie_band
from judging.machines import SAMPLING
from judging.models import Judge, Preference
from rating.panel_weights import FEWEST, NothingToLearn
from rating.truth import TURNS, words_of_people

FOLDS = 5
OPTION = "tie_band"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A band in place of `band_before`, fitted to the `n` battles that both people and the judge have judged.

    People call `n_ties` of them a tie. `before` and `after` are the shares (0..1) of battles where the judge says what most
    people say: with the band it had, and with bands each fitted without the questions that it is looked at on (in FOLDS parts).
    """

    judge: str
    band: float
    band_before: float
    n: int
    n_ties: int
    before: float
    after: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def fit(judge: Judge, benchmark: Benchmark) -> Fitted:
    """The band within which as large a share of the differences of rewards lies as people call ties.

    Rewards that other versions of the judge kept of the same model count too: they do not depend on the band. Raises
    NothingToLearn. A fixed number of queries.
    """
    if judge.kind != Judge.Kind.REWARD:
        raise NothingToLearn(_("judge %(judge)s is no reward model") % {"judge": judge})
    words, rewards = words_of_people(benchmark), _differences(judge, benchmark)
    words = words.where(np.isin(words.item, list(rewards)))
    n, questions = len(words), np.unique(words.cluster, return_inverse=True)
    if n < FEWEST or len(questions[0]) < 2:
        text = _(
            "%(judge)s and the people have judged %(n)d battles on %(questions)d questions together;"
            " %(fewest)d are needed, on at least 2"
        )
        raise NothingToLearn(text % {"judge": judge, "n": n, "questions": len(questions[0]), "fewest": FEWEST})
    differences = np.array([rewards[item] for item in words.item.tolist()])
    band_before = float(judge.options.get(OPTION, 0.0))
    return Fitted(
        judge=str(judge),
        band=_band(differences, words.value),
        band_before=band_before,
        n=n,
        n_ties=int((words.value == 0).sum()),
        before=float(_hits(differences, words.value, band_before).mean()),
        after=float(_cross_fitted(differences, words.value, questions[1] % FOLDS).mean()),
    )


def next_version(judge: Judge, fitted: Fitted) -> Judge:
    """The judge with this band, as its next version; itself where it has that band. Raises Meanwhile."""
    said = said_of(judge)
    if fitted.band == fitted.band_before:
        return judge
    return save(judge, replace(said, options={**said.options, OPTION: fitted.band}), base=mark(judge), as_next=True)


def _differences(judge: Judge, benchmark: Benchmark) -> Mapping[int, float]:
    """By battle and turn, as in `words_of_people`, the reward of the battle's first answer less that of its second. Two queries."""
    mine = Judge.objects.filter(kind=Judge.Kind.REWARD, model=judge.model_id)
    alike = [one.pk for one in mine if one.options.get(SAMPLING) == judge.options.get(SAMPLING)]
    rows = Preference.objects.decided().filter(judge__in=alike, battle__question__benchmark=benchmark, trial=0)
    rows = rows.filter(provenance__in=benchmark.counted_provenances).order_by("pk")
    found = {}
    for battle, turn, swapped, details in rows.values_list("battle", "turn", "swapped", "details"):
        first, second = reversed(details["rewards"]) if swapped else details["rewards"]
        found[battle * TURNS + turn] = first - second
    return found


def _band(differences: Floats, words: Floats) -> float:
    return fit_tie_band(differences.tolist(), float((words == 0).mean()))


def _hits(differences: Floats, words: Floats, band: float) -> NDArray[np.bool_]:
    """Where the judge with this band says what people say, (n,)."""
    return np.where(np.abs(differences) <= band, 0.0, np.sign(differences)) == words


def _cross_fitted(differences: Floats, words: Floats, folds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The same with the band of each fold fitted on all others, (n,)."""
    hits = np.zeros(len(words), dtype=bool)
    for fold in np.unique(folds):
        here = folds == fold
        hits[here] = _hits(differences[here], words[here], _band(differences[~here], words[~here]))
    return hits
