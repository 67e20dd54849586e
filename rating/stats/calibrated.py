"""Few people's votes and many verdicts of a judge, combined: the judge narrows the interval, people decide where it lies.

Prediction-powered inference: Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023), Science 382, with the weight λ of the
judge tuned as in Angelopoulos, Duchi and Zrnic (2023), PPI++. Two departures, both for data that arenas have: everything is
clustered by question, and the judge's scores are taken at the judge's own strengths. So the result is right when people
voted on a random sample of the judge's battles, whatever the judge's bias; or, with any choice of pairs, when the
judge's own verdicts follow a Bradley–Terry model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, codes, compressed, floats, same_length
from rating.stats.battles import Battles, check_models, counts
from rating.stats.bradley_terry import (
    ENOUGH_CLUSTERS,
    MIDDLE,
    NO_SPREAD,
    POINTS_PER_NAT,
    SEPARATED,
    Strengths,
    fit,
)
from rating.stats.errors import ImpossibleInput, NotConverged, TooLittleData
from rating.stats.intervals import student
from rating.stats.newton import information_of
from rating.stats.score_sums import asked, inverse_information, moment, score_sums, solved

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FEW_PAIRED = "few_paired"
"""Note: fewer than FEWEST_PAIRED votes, or ENOUGH_CLUSTERS questions, that the judge judged too: people's figure alone."""
NOTHING_MORE = "nothing_more"
"""Note: the judge judged nothing, or says nothing, beyond what people voted on: people's figure alone."""
PEOPLE_SEPARATED = "people_separated"
"""Note: people's votes alone have no finite answer or no spread, so nothing can be corrected: people's figure alone."""
FEWEST_PAIRED = 30


@dataclass(frozen=True, slots=True)
class Calibrated:
    """People's ratings of m models, made narrower by a judge; and always what people alone say.

    `combined`: strengths as people see them, with covariance, ratings and intervals; `human`: from people's votes
    alone; where a note says "alone" the two are the same. `weight`: λ in 0..1, how far the judge is
    trusted: 0 not at all, 1 like a person. `votes`: people's votes, of which `paired` the judge judged too;
    `judged`: battles the judge judged. `equivalent_votes`: how many people's votes alone would give intervals as narrow: `votes`
    times the ratio of the summed variances. `notes`: of `combined`, and FEW_PAIRED, NOTHING_MORE, PEOPLE_SEPARATED.
    """

    combined: Strengths
    human: Strengths
    weight: float
    votes: int
    paired: int
    judged: int
    equivalent_votes: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalibratedMean:
    """People's mean of some value, made narrower by a judge; and always what people alone say (`human`).

    `weight`, `equivalent_votes`, `notes` as in Calibrated; `n` people's values, `rest` values of the judge alone.
    `low`, `high` and `human_low`, `human_high` are None with fewer than two questions, and where people said one value only.
    """

    mean: float
    low: float | None
    high: float | None
    human: float
    human_low: float | None
    human_high: float | None
    weight: float
    n: int
    rest: int
    equivalent_votes: float
    notes: tuple[str, ...]


def calibrated(people: Battles, judge: Battles, models: int, *, level: float = 0.95) -> Calibrated:
    """Ratings of `models` models as people see them, from people's votes and a judge's verdicts.

    A vote and a verdict belong together when they are on one question (the same `cluster` code on both sides) and one pair of
    models, whichever stands first; several verdicts on one battle are averaged. People's votes that the judge has not judged
    count too. Models without people's votes are not rated.
    Raises TooLittleData without people's votes, ImpossibleInput.
    """
    check_models(judge, models)
    human = fit(people, models, level=level)
    paired = _paired(people, judge, models)
    alone = _Alone(human=human, votes=len(people), paired=len(paired.both), judged=len(paired.items))
    if len(paired.both) < FEWEST_PAIRED or compressed(paired.both.cluster)[1] < ENOUGH_CLUSTERS:
        return alone.because(FEW_PAIRED)
    if SEPARATED in human.notes or NO_SPREAD in human.notes:
        return alone.because(PEOPLE_SEPARATED)
    parts = _parts(people, paired, models)
    weight = _weight(parts, human)
    if weight == 0.0:
        return alone.because(NOTHING_MORE)
    try:
        combined = _combined(parts, human, weight=weight, level=level)
    except NotConverged:
        return alone.because(PEOPLE_SEPARATED)
    ratio = np.nansum(np.diag(human.covariance)) / np.nansum(np.diag(combined.covariance))
    return replace(
        alone.because(),
        combined=combined,
        weight=weight,
        equivalent_votes=float(ratio) * len(people),
        notes=combined.notes,
    )


@dataclass(frozen=True, slots=True)
class _Alone:
    human: Strengths
    votes: int
    paired: int
    judged: int

    def because(self, *notes: str) -> Calibrated:
        """People's figure alone, for the reason given."""
        return Calibrated(
            combined=self.human,
            human=self.human,
            weight=0.0,
            votes=self.votes,
            paired=self.paired,
            judged=self.judged,
            equivalent_votes=float(self.votes),
            notes=(*self.human.notes, *notes),
        )


@dataclass(frozen=True, slots=True)
class _Paired:
    """`items`: the judge's mean verdict on each battle, once; `both`: the same verdicts where a person voted, once a vote.

    `question`, `of_items`, `of_both`: question of people's votes and of the two, on one numbering of `questions`.
    """

    items: Battles
    both: Battles
    question: Ints
    of_items: Ints
    of_both: Ints
    questions: int


def _paired(people: Battles, judge: Battles, models: int) -> _Paired:
    question, questions = compressed(np.concatenate([people.cluster, judge.cluster]).astype(np.int64, copy=False))
    voted = _battle_key(people, question[: len(people)], models)
    keys, first_row, item = np.unique(
        _battle_key(judge, question[len(people) :], models), return_index=True, return_inverse=True
    )
    low = np.minimum(judge.first, judge.second)
    share = np.where(judge.first == low, judge.share(), 1.0 - judge.share())
    mean = np.bincount(item, share, minlength=keys.size) / np.bincount(item, minlength=keys.size)
    items = Battles(
        low[first_row],
        np.maximum(judge.first, judge.second)[first_row],
        2.0 * mean - 1.0,
        question[len(people) :][first_row],
    )
    place = np.minimum(np.searchsorted(keys, voted), max(keys.size - 1, 0))
    row = place[keys[place] == voted] if keys.size else place[:0]
    both = items.where(row)
    of_items = question[len(people) :][first_row]
    return _Paired(items, both, question[: len(people)], of_items, of_items[row], questions)


def _battle_key(battles: Battles, question: Ints, models: int) -> Ints:
    low, high = np.minimum(battles.first, battles.second), np.maximum(battles.first, battles.second)
    return (question * models + low) * models + high


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the judge adds: scores by question, and their moments, at strengths that do not change any more.

    `question` (n,) of `people`'s votes, of `questions`; their `games` and `wins` (m, m). Correction by question: `shown` (the judge's
    scores where people voted) less `everywhere` (on all its battles) times `transfer`ᵀ; `sum` (m,), `square` (m, m) of it.
    """

    people: Battles
    question: Ints
    questions: int
    games: Floats
    wins: Floats
    shown: csr_matrix
    everywhere: csr_matrix
    transfer: Floats
    sum: Floats
    square: Floats

    def scores(self, strength: Floats) -> csr_matrix:
        """People's scores summed by question (questions, m)."""
        return score_sums(self.people, strength, group=self.question, groups=self.questions)

    def asked(self, component: Ints) -> tuple[Floats, Floats]:
        """Questions that people voted on in each model's component, and their factor G/(G - 1); (m,) each, 1 without."""
        total, factor = asked(self.question, component[self.people.first], parts=int(component.max()) + 1)
        rated = component >= 0
        return np.where(rated, total[component], 1.0), np.where(rated, factor[component], 1.0)

    def with_correction(self, scores: csr_matrix) -> Floats:
        """Sum over questions of people's score times the correction (m, m)."""
        return moment(scores, self.shown) - moment(scores, self.everywhere) @ self.transfer.T


def _parts(people: Battles, paired: _Paired, models: int) -> _Parts:
    judge = fit(paired.items, models)
    # a judge's strengths held finite by a prior are one Newton step from its own: `sum` takes that step
    own = np.where(np.isnan(judge.strength), 0.0, judge.strength)
    shown = score_sums(paired.both, own, group=paired.of_both, groups=paired.questions)
    everywhere = score_sums(paired.items, own, group=paired.of_items, groups=paired.questions)
    there = information_of(counts(paired.both, models).games, own)
    transfer = there @ inverse_information(counts(paired.items, models).games, own, judge.component)
    table = counts(people, models)
    cross = moment(shown, everywhere) @ transfer.T
    return _Parts(
        people=people,
        question=paired.question,
        questions=paired.questions,
        games=table.games,
        wins=table.wins,
        shown=shown,
        everywhere=everywhere,
        transfer=transfer,
        sum=_total(shown) - transfer @ _total(everywhere),
        square=moment(shown, shown) - cross - cross.T + transfer @ moment(everywhere, everywhere) @ transfer.T,
    )


def _total(scores: csr_matrix) -> Floats:
    total: Floats = np.asarray(scores.sum(axis=0), dtype=np.float64).ravel()
    return total


def _weight(parts: _Parts, human: Strengths) -> float:
    """λ in 0..1 with the smallest summed variance of the strengths, which is quadratic in λ; 0 where nothing is added."""
    bread = inverse_information(parts.games, human.strength, human.component)
    scores = parts.scores(human.strength)
    total, factor = parts.asked(human.component)
    gain = factor @ np.diag(bread @ parts.with_correction(scores) @ bread)
    noise = factor @ np.diag(bread @ (parts.square - np.outer(parts.sum, parts.sum / total)) @ bread)
    if noise <= 1e-9 * (factor @ np.diag(bread @ moment(scores, scores) @ bread)):
        return 0.0
    return float(np.clip(gain / noise, 0.0, 1.0))


def _combined(parts: _Parts, human: Strengths, *, weight: float, level: float) -> Strengths:
    """Strengths that solve people's score less λ times the correction = 0, with their sandwich covariance."""
    games, component = parts.games, human.component
    # only row sums of the wins matter: spread the correction over the pairs that met, so that the rows add up to it
    lift = inverse_information(games, np.zeros_like(parts.sum), component) @ parts.sum / 4.0
    wins = parts.wins - weight * games * (lift[:, None] - lift[None, :])
    strength = solved(wins, games, component)
    scores = parts.scores(strength)
    cross = parts.with_correction(scores)
    meat = moment(scores, scores) - weight * (cross + cross.T) + weight**2 * parts.square
    bread = inverse_information(games, strength, component)
    covariance = bread @ meat @ bread * parts.asked(component)[1][:, None]
    apart = (component[:, None] != component[None, :]) | (component[:, None] < 0)
    covariance[apart] = np.nan
    half = POINTS_PER_NAT * np.sqrt(np.maximum(np.diag(covariance), 0.0)) * student(level, human.freedom)
    rating = MIDDLE + POINTS_PER_NAT * strength
    return replace(
        human,
        strength=strength,
        covariance=covariance,
        rating=rating,
        low=rating - half,
        high=rating + half,
        inflation=np.full(strength.size, np.nan),
    )


def calibrated_mean(
    people: ArrayLike,
    judge: ArrayLike,
    rest: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    rest_cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> CalibratedMean:
    """People's mean of a value (a share of wins, a score), from few values of people and many of a judge.

    `people`, `judge` (n,): both on the same items, a random sample of all; `rest` (r,): the judge's on the items that
    people did not see. `cluster` (n,), `rest_cluster` (r,): questions, by the same codes; each item its own without.
    People's figure alone, with the note, below FEWEST_PAIRED items or ENOUGH_CLUSTERS questions.
    Raises TooLittleData without people's values, ImpossibleInput.
    """
    said, shown, other = floats(people, "people"), floats(judge, "judge"), floats(rest, "rest")
    n = same_length(people=said, judge=shown)
    if n == 0:
        raise TooLittleData("no values of people: there is nothing to calibrate to")
    question, questions = _questions(cluster, rest_cluster, n=n, rest=other.size)
    asked = compressed(question[:n])[1]
    total = n + other.size
    own = np.bincount(question[:n], (said - said.mean()) / n, minlength=questions)
    centred = np.concatenate(
        [(shown - shown.mean()) * (1 / n - 1 / total), (other.mean() - other) / total if other.size else other]
    )
    correction = np.bincount(question, centred, minlength=questions)
    few = n < FEWEST_PAIRED or asked < ENOUGH_CLUSTERS
    noise = float(correction @ correction)
    usable = not few and other.size > 0 and noise > 1e-12 * float(own @ own)
    weight = float(np.clip(own @ correction / noise, 0.0, 1.0)) if usable else 0.0
    everywhere = (shown.sum() + other.sum()) / total
    mean = float(said.mean() - weight * (shown.mean() - everywhere))
    factor, quantile = asked / max(asked - 1, 1), float(student(level, asked - 1))
    variance, human = (factor * float(u @ u) for u in (own - weight * correction, own))
    # what is left of equal values after rounding is no spread
    known = asked > 1 and human > 1e-24 * (1 + float(said.mean()) ** 2)
    half, human_half = (quantile * v**0.5 if known else None for v in (variance, human))
    return CalibratedMean(
        mean=mean,
        low=None if half is None else mean - half,
        high=None if half is None else mean + half,
        human=float(said.mean()),
        human_low=None if human_half is None else float(said.mean()) - human_half,
        human_high=None if human_half is None else float(said.mean()) + human_half,
        weight=weight,
        n=n,
        rest=int(other.size),
        equivalent_votes=n * human / variance if weight > 0 and variance > 0 else float(n),
        notes=(FEW_PAIRED,) if few else (NOTHING_MORE,) if weight == 0.0 else (),
    )


def _questions(cluster: ArrayLike | None, rest_cluster: ArrayLike | None, *, n: int, rest: int) -> tuple[Ints, int]:
    """Questions (n + r,) of people's items and of the rest on one numbering, and how many there are."""
    if (cluster is None) != (rest_cluster is None):
        raise ImpossibleInput("questions are given for both parts or for neither")
    if cluster is None or rest_cluster is None:
        return np.arange(n + rest), n + rest
    of_people, of_rest = codes(cluster, "cluster"), codes(rest_cluster, "rest_cluster")
    if of_people.size != n or of_rest.size != rest:
        raise ImpossibleInput(f"{of_people.size} and {of_rest.size} questions for {n} and {rest} items")
    return compressed(np.concatenate([of_people, of_rest]))
