"""Whether a judge that is asked anew has changed by more than it differs from itself when it is asked twice at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, codes, compressed, floats, same_length
from rating.stats.bias import Cases, Share, beside, share_of_cases
from rating.stats.errors import ImpossibleInput

DRAWS = 9_999
FEWEST = 5  # questions, below which nothing is said
DRIFTS, STABLE, FEW = "drifts", "stable", "too few anchors"


@dataclass(frozen=True, slots=True)
class Change:
    """What n items, on so many `questions`, tell of a judge that was asked once `then` and twice `now`.

    `changed`: how far now is from then, on average of the two; `noise`: how far the two are from each other; 0..1 each, of pairs
    the share of items with another verdict, of marks the mean distance. `difference`: changed less noise; `shift`: now less
    then with its sign, of pairs the share of the slot shown first (a tie as half), of marks the mean; both with t intervals
    paired by question, None where there is none. `p` is that of the test; `word` is DRIFTS, STABLE or FEW.
    """

    n: int
    questions: int
    changed: Share
    noise: Share
    difference: float | None
    low: float | None
    high: float | None
    shift: float | None
    shift_low: float | None
    shift_high: float | None
    p: float | None
    word: str


def change(
    then: ArrayLike, now: ArrayLike, twin: ArrayLike, cluster: ArrayLike, *, is_pair: bool, alpha: float = 0.05
) -> Change:
    """Whether `now` and its `twin` differ from `then` by more than from each other; columns (n,) of verdicts from 0 to 1, and
    their questions.

    If the judge is as it was, the three are alike, and which of them is called `then` is chance. So in each question the three
    change places at random (DRAWS times, seeded): p is how often the difference comes out as large as it did. *Drifts* where p is
    at most `alpha`; too *few* below FEWEST questions, or where even if all changed p would be above `alpha`. Raises
    ImpossibleInput for unequal lengths.
    """
    told = [floats(one, name) for one, name in ((then, "then"), (now, "now"), (twin, "twin"))]
    question, questions = compressed(codes(cluster, "cluster"))
    same_length(then=told[0], now=told[1], twin=told[2], cluster=question)
    if not 0.0 < alpha < 1.0:
        raise ImpossibleInput(f"alpha {alpha:g} is not between 0 and 1")
    first, second, noise = (
        _distance(*pair, is_pair=is_pair) for pair in ((told[0], told[1]), (told[0], told[2]), (told[1], told[2]))
    )
    changed = Cases((first + second) / 2, question)
    compared = beside(changed, Cases(noise, question))
    shifted = beside(Cases((told[1] + told[2]) / 2, question), Cases(told[0], question))
    is_few = questions < FEWEST or 3.0**-questions > alpha
    p = None if is_few else _p(first, second, noise, np.asarray(question), questions)
    return Change(
        n=int(question.size),
        questions=questions,
        changed=share_of_cases(changed),
        noise=share_of_cases(Cases(noise, question)),
        difference=compared.difference,
        **_ends(compared.low, compared.high),
        shift=shifted.difference,
        **_ends(shifted.low, shifted.high, "shift_"),
        p=p,
        word=FEW if p is None else DRIFTS if p <= alpha else STABLE,
    )


def _distance(one: Floats, other: Floats, *, is_pair: bool) -> Floats:
    """How far apart verdicts (n,) are, 0..1: of pairs, 1 wherever they are not the same."""
    apart: Floats = np.abs(one - other)
    return np.where(apart > 0, 1.0, 0.0) if is_pair else apart


def _ends(low: float | None, high: float | None, name: str = "") -> dict[str, float | None]:
    """The ends of an interval; none where it is a point, as all questions show the same."""
    is_point = low is None or high is None or low == high
    return {f"{name}low": None if is_point else low, f"{name}high": None if is_point else high}


def _p(first: Floats, second: Floats, noise: Floats, question: np.ndarray, questions: int) -> float:
    """How often chance alone brings a difference as large; the three columns (n,) are distances between two of three."""
    apart = np.array([np.bincount(question, one, minlength=questions) for one in (first, second, noise)])
    outside = apart.sum(axis=0) / 2 - 1.5 * apart  # (3, questions): of the one that the pair leaves out
    seen = outside[2].sum()
    if not apart.any():
        return 1.0
    draw = np.random.default_rng(1).integers(0, 3, size=(DRAWS, questions))
    drawn = outside[draw, np.arange(questions)].sum(axis=1)
    return float((1 + (drawn >= seen - 1e-9).sum()) / (1 + DRAWS))
