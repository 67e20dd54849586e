"""Simulated records whose truth is known: battles, votes and scores as people and judges might give them.

A function that takes a random generator draws one record, has intervals made of it as the product makes them, and says for
each whether it holds the truth, by the names of the lines in `bench/coverage.py`. The truth is a closed form, an integral by
quadrature, or what went into the drawing; it is never estimated from a record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from rating import stats
from rating.stats.arrays import Bools, Floats, Ints
from rating.stats.krippendorff import Level
from rating.stats.style import fit_styled, relative_difference
from rating.stats.ties import davidson

Random = np.random.Generator
Held = dict[str, Any]
"""By the name of a line: which intervals of one record hold the truth, one bool or many."""


def inside(low: Any, truth: Any, high: Any) -> Bools:
    return np.asarray((low <= truth) & (truth <= high))


@dataclass(frozen=True, slots=True)
class Arena:
    """Models of known strength (nats) before judges who follow Davidson's model, on questions that each favour some models.

    `taste`: standard deviation of what a question adds to each model's strength (nats), the same for all battles on it;
    `ties`: Davidson's ν; `seen`: how often each model is drawn. Questions are asked unequally often.
    """

    strength: tuple[float, ...] = (0.6, 0.3, 0.1, -0.1, -0.3, -0.6)
    seen: tuple[float, ...] = (2.0, 1.0, 1.5, 1.0, 0.5, 1.0)
    taste: float = 0.7
    ties: float = 0.5
    questions: int = 80
    battles: int = 1600

    @property
    def models(self) -> int:
        return len(self.strength)

    @property
    def pairs(self) -> Floats:
        """How often the row is drawn first and the column second (m, m)."""
        seen = np.array(self.seen) / sum(self.seen)
        often: Floats = seen[:, None] * seen[None, :] / (1 - seen[:, None])
        np.fill_diagonal(often, 0.0)
        return often

    def drawn(self, random: Random) -> tuple[Ints, Ints, Ints, Floats]:
        """First, second, question, and each model's strength on each question (questions, m)."""
        cell = random.choice(self.models**2, self.battles, p=self.pairs.ravel())
        often = random.gamma(4.0, size=self.questions)
        question = random.choice(self.questions, self.battles, p=often / often.sum())
        worth = np.array(self.strength) + self.taste * random.normal(size=(self.questions, self.models))
        return cell // self.models, cell % self.models, question, worth

    def outcomes(self, random: Random, ahead: Floats) -> Ints:
        """1, 0 or -1 (n,) for battles whose first answer is `ahead` (n,) nats."""
        win, loss = np.exp(ahead / 2), np.exp(-ahead / 2)
        drawn = random.random(ahead.size) * (win + loss + self.ties)
        return np.where(drawn < win, 1, np.where(drawn < win + self.ties, 0, -1))

    def battles_of(self, random: Random) -> stats.Battles:
        first, second, question, worth = self.drawn(random)
        value = self.outcomes(random, worth[question, first] - worth[question, second])
        return stats.Battles(first, second, value, question)

    def share(self, ahead: Floats) -> Floats:
        """Expected share of the win, a tie as half."""
        win, loss = np.exp(ahead / 2), np.exp(-ahead / 2)
        return (win + self.ties / 2) / (win + loss + self.ties)


@cache
def expected(arena: Arena, share: Callable[[Arena, Floats], Floats] = Arena.share) -> Floats:
    """What the row gets of a battle with the column, on average over all possible questions (m, m), by quadrature."""
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    strength = np.array(arena.strength)
    ahead = strength[:, None, None] - strength[None, :, None] + np.sqrt(2.0) * arena.taste * node
    mean: Floats = share(arena, ahead) @ (weight / weight.sum())
    return mean


@cache
def ratings(arena: Arena, share: Callable[[Arena, Floats], Floats] = Arena.share) -> Floats:
    """The ratings (m,) that endless battles on endless questions would give."""
    often = arena.pairs + arena.pairs.T
    wins = expected(arena, share) * often
    return stats.fit_counts(stats.Counts(wins=wins, games=wins + wins.T, ties=0 * wins, squares=wins)).rating


USUAL = Arena()
FEW = replace(USUAL, questions=12, battles=600)
ALONE = replace(USUAL, taste=0.0)


def bradley_terry(random: Random, arena: Arena = USUAL) -> Held:
    battles, truth = arena.battles_of(random), ratings(arena)
    board, alone = (stats.fit(battles, arena.models, clustered=clustered) for clustered in (True, False))
    return {
        "clustered by question": inside(board.low, truth, board.high),
        "if votes counted as independent": inside(alone.low, truth, alone.high),
    }


def differences(random: Random, arena: Arena = USUAL) -> Held:
    """Every two models of a board, as pages and gates tell them: by what they have in common."""
    board, truth = stats.fit(arena.battles_of(random), arena.models), ratings(arena)
    one, other = np.triu_indices(arena.models, 1)
    ahead, apart = board.rating[one] - board.rating[other], truth[one] - truth[other]
    own = board.high - board.rating
    halves = {
        "by what the two have in common": stats.POINTS_PER_NAT * stats.strength_contrasts(board)[one, other],
        "if from end to end of both intervals": own[one] + own[other],
    }
    return {name: inside(ahead - half, apart, ahead + half) for name, half in halves.items()}


def live_differences(random: Random) -> Held:
    """The same on a live board: a tenth more votes, its own intervals, what the two had in common in the snapshot."""
    battles, truth, m = USUAL.battles_of(random), ratings(USUAL), USUAL.models
    snapshot = stats.fit(battles.where(np.arange(int(len(battles) / 1.1))), m)
    board = stats.fit_counts(stats.counts(battles, m), inflation=snapshot.widening())
    one, other = np.triu_indices(m, 1)
    then, now = (fitted.high - fitted.rating for fitted in (snapshot, board))
    ratio = stats.POINTS_PER_NAT * stats.strength_contrasts(snapshot)[one, other] / np.hypot(then[one], then[other])
    ahead, apart = board.rating[one] - board.rating[other], truth[one] - truth[other]
    half = ratio * np.hypot(now[one], now[other])
    return {"by what the two had in common": inside(ahead - half, apart, ahead + half)}


def few_differences(random: Random) -> Held:
    return differences(random, FEW)


def few_questions(random: Random) -> Held:
    return bradley_terry(random, FEW)


def live(random: Random) -> Held:
    """A snapshot, and then more votes on the same questions, of which only counts are kept; as rating.live does."""
    battles, truth, m = USUAL.battles_of(random), ratings(USUAL), USUAL.models
    found: Held = {}
    table = stats.counts(battles, m)
    for name, share in (("a tenth more votes than the snapshot", 1 / 1.1), ("limit: twice the votes of it", 0.5)):
        snapshot = stats.fit(battles.where(np.arange(int(share * len(battles)))), m)
        board = stats.fit_counts(table, inflation=snapshot.widening())
        found[name] = inside(board.low, truth, board.high)
    plain = stats.fit_counts(table)
    return {**found, "if votes counted as independent": inside(plain.low, truth, plain.high)}


MUCH = 1.2
"""Lead (nats, with the whim of the moment) from which an answer is called much better."""


def strong_share(arena: Arena, ahead: Floats) -> Floats:
    """Expected share of the win without ties, where what is much better counts three times."""
    win, much = (1 / (1 + np.exp(-(ahead - lead))) for lead in (0.0, MUCH))
    result: Floats = win + 2.0 * much
    return result


def weighted(random: Random) -> Held:
    """Annotators of unequal weight, and much better answers that count three times."""
    first, second, question, worth = USUAL.drawn(random)
    lead = worth[question, first] - worth[question, second] + random.logistic(size=first.size)
    value = np.where(np.abs(lead) > MUCH, 2, 1) * np.sign(lead)
    weight = np.array([0.3, 1.0, 1.0, 2.0])[random.integers(0, 4, first.size)]
    board = stats.fit(stats.Battles(first, second, value, question), USUAL.models, weight=weight, strong=3.0)
    return {"weights 0.3 to 2, much better × 3": inside(board.low, ratings(USUAL, strong_share), board.high)}


HABIT = np.array([0.4, 0.0, -0.2, 0.2])
STYLED = np.array([0.4, 0.15, -0.15, -0.4])
LENGTH = 0.8
"""What length is worth: nats for all of the difference (a - b)/(a + b)."""


def styled(random: Random) -> Held:
    """Questions like length more or less than others, and lean to some models; the leanings cancel out exactly."""
    first = random.integers(0, 4, 1600)
    second = (first + random.integers(1, 4, 1600)) % 4
    question = random.integers(0, 80, 1600)
    length = [np.exp(HABIT[side] + 0.5 * random.normal(size=1600)) for side in (first, second)]
    longer = relative_difference(*length)
    liking, lean = 0.1 * random.choice([-1, 1], 80), 0.03 * random.choice([-1, 1], (80, 4))
    chance = 1 / (1 + np.exp(STYLED[second] - STYLED[first] - LENGTH * longer))
    chance += liking[question] * longer + lean[question, first] - lean[question, second]
    value = np.where(random.random(1600) < chance, 1, -1)
    battles = stats.Battles(first, second, value, question)
    board = fit_styled(battles, 4, style={"length": longer}, centred=False)
    plain = stats.fit(battles, 4)
    truth = 1000 + 400 / np.log(10) * STYLED
    low, high = board.coefficient_low / board.std, board.coefficient_high / board.std
    return {
        "ratings, style held equal": inside(board.low, truth, board.high),
        "what length is worth": inside(low, LENGTH, high),
        "if style were not held equal": inside(plain.low, truth, plain.high),
    }


def with_ties(random: Random) -> Held:
    truth = 1000 + 400 / np.log(10) * np.array(ALONE.strength)
    model = davidson(stats.counts(ALONE.battles_of(random), ALONE.models))
    return {
        "ratings": inside(model.low, truth, model.high),
        "how common ties are (ν)": inside(model.tie_low, ALONE.ties, model.tie_high),
    }


APART = Arena(
    strength=(0.9, 0.7, 0.5, 0.3, 0.1, -0.1, -0.3, -0.5, -0.7, -0.9), seen=(1.0,) * 10, questions=100, battles=3000
)
CLOSE = replace(APART, strength=tuple(0.05 * strength for strength in APART.strength))


def _ranked(random: Random, arena: Arena) -> tuple[Bools, Bools]:
    """Which rank ranges hold the true rank (m,), by intervals of differences and by intervals that do not overlap."""
    board, place = stats.fit(arena.battles_of(random), arena.models), np.arange(1, arena.models + 1)
    difference, overlap = stats.rank_ranges(board), stats.rank_ranges(board, rule="overlap")
    return inside(difference.low, place, difference.high), inside(overlap.low, place, overlap.high)


def ranks(random: Random) -> Held:
    difference, overlap = _ranked(random, APART)
    return {
        "each model": difference,
        "the whole board at once": difference.all(),
        "the whole board, --rank-rule overlap": overlap.all(),
    }


def close_ranks(random: Random) -> Held:
    difference, overlap = _ranked(random, CLOSE)
    return {
        "each model": difference,
        "limit: the best of them": difference[0],
        "limit: the whole board at once": difference.all(),
        "the whole board, --rank-rule overlap": overlap.all(),
    }


@dataclass(frozen=True, slots=True)
class Crowd:
    """Items whose values have chances drawn from a Dirichlet distribution: Krippendorff's α is 1/(1 + spread) at every level.

    `together`: how often an item takes the chances of its question instead of its own; `each` items a question.
    """

    common: tuple[float, ...] = (0.5, 0.3, 0.2)
    spread: float = 1.0
    votes: int = 3
    items: int = 150
    level: Level = "nominal"
    together: float = 0.0
    each: int = 10

    @property
    def alpha(self) -> float:
        return 1 / (1 + self.spread)

    @property
    def raw(self) -> float:
        """How often two votes on one item are equal."""
        return self.alpha + (1 - self.alpha) * float(np.square(self.common).sum())

    @property
    def question(self) -> Ints:
        return np.arange(self.items) // self.each

    def chances(self, random: Random) -> Floats:
        """Chance of each value on each item (items, V)."""
        base = self.spread * np.array(self.common)
        own, shared = random.dirichlet(base, self.items), random.dirichlet(base, self.question.max() + 1)
        together = random.random(self.items) < self.together
        return np.where(together[:, None], shared[self.question], own)

    def counts(self, random: Random, chances: Floats) -> Ints:
        """Votes by value on each item (items, V)."""
        return random.multinomial(self.votes, chances)


def columns(counts: Ints) -> tuple[Ints, Ints, Ints]:
    """Item, place on the item, value (n,) of votes by value (items, V)."""
    items, values = counts.shape
    item = np.repeat(np.arange(items), counts.sum(axis=1))
    value = np.repeat(np.tile(np.arange(values), items), counts.ravel())
    return item, np.arange(item.size) - np.searchsorted(item, item), value


def agreement(crowd: Crowd) -> Callable[[Random], Held]:
    """α with its interval, and the share of equal vote pairs; by question where items of one question hang together."""

    def record(random: Random) -> Held:
        counts = crowd.counts(random, crowd.chances(random))
        item, judge, value = columns(counts)
        question = crowd.question[item] if crowd.together else None
        agree = partial(stats.agree, item, judge, value, values=len(crowd.common), level=crowd.level)
        found = agree(cluster=question)
        held: Held = {"α": inside(found.low, crowd.alpha, found.high)}
        if crowd.together:
            alone = agree()
            held["share of equal votes"] = inside(found.raw_low, crowd.raw, found.raw_high)
            held["if items counted as independent: α"] = inside(alone.low, crowd.alpha, alone.high)
        elif crowd.level == "nominal" and crowd.items > 50:
            low, high = by_vote_pairs(random, counts)
            held["if vote pairs were resampled: α"] = inside(low, crowd.alpha, high)
        return held

    return record


def by_vote_pairs(random: Random, counts: Ints, *, draws: int = 200) -> tuple[float, float]:
    """Percentile interval of nominal α from resampled vote pairs, for votes by value on each item (items, V)."""
    pairs = counts.T @ counts - np.diag(counts.sum(axis=0))
    total = pairs.sum() // 2
    drawn = random.multinomial(total, pairs.ravel() / pairs.sum(), draws).reshape(draws, *pairs.shape)
    margin = (drawn.sum(axis=1) + drawn.sum(axis=2)) / (2 * total)
    alphas = 1 - (1 - np.einsum("kaa->k", drawn) / total) / (1 - (margin**2).sum(axis=1))
    low, high = np.quantile(alphas, [0.025, 0.975])
    return float(low), float(high)


def shares(random: Random) -> Held:
    """A judge that takes the first slot in nine of ten cases, more on some questions than on others; and win rates."""
    question = random.integers(0, 60, 600)
    first = random.random(600) < random.beta(9, 1, 60)[question]
    slot, alone = stats.share_of(first, cluster=question), stats.share_of(first)
    rates = stats.win_rates(USUAL.battles_of(random), USUAL.models)
    often = USUAL.pairs + USUAL.pairs.T
    truth = (expected(USUAL) * often).sum(axis=1) / often.sum(axis=1)
    return {
        "win rates": inside(rates.low, truth, rates.high),
        "a share near 0.9": inside(slot.low, 0.9, slot.high),
        "if votes counted as independent: that share": inside(alone.low, 0.9, alone.high),
    }


SCORED = np.array([7.0, 6.5, 5.0])


def _scores(random: Random) -> tuple[Ints, Floats, Ints]:
    """Two answers of each model to each question, on questions that are easy or hard for all and for some."""
    question, model = np.repeat(np.arange(40), 6), np.tile([0, 0, 1, 1, 2, 2], 40)
    ease = random.exponential(size=(40, 1)) - 1 + random.normal(size=(40, 3))
    return model, SCORED[model] + ease[question, model] + random.normal(size=240), question


def mean_scores(random: Random) -> Held:
    means = stats.mean_scores(*_scores(random), 3)
    return {"clustered by question": inside(means.low, SCORED, means.high)}


def differences_of_scores(random: Random) -> Held:
    columns = _scores(random)
    means = stats.mean_scores(*columns, 3)
    one, other = np.triu_indices(3, 1)
    ahead, apart, own = means.mean[one] - means.mean[other], SCORED[one] - SCORED[other], means.high - means.mean
    halves = {
        "by what the two have in common": stats.mean_contrasts(*columns, means)[one, other],
        "if the two counted as independent": np.hypot(own[one], own[other]),
    }
    return {name: inside(ahead - half, apart, ahead + half) for name, half in halves.items()}


JUDGED = replace(USUAL, questions=150, battles=1800)
MISLED = replace(JUDGED, strength=tuple(s + (1.0 if m == 4 else 0.0) for m, s in enumerate(JUDGED.strength)))
VOTED = 300


def with_judges(random: Random) -> Held:
    """People vote on a random sample of what a judge, who shares their whims in part and favours one model, judged."""
    first, second, question, worth = JUDGED.drawn(random)
    bias = np.array(MISLED.strength) - np.array(JUDGED.strength)
    ahead = worth[question, first] - worth[question, second]
    whim = random.logistic(size=ahead.size)
    own = np.where(random.random(ahead.size) < 0.7, whim, random.logistic(size=ahead.size))
    judge = stats.Battles(first, second, np.sign(ahead + bias[first] - bias[second] + own).astype(np.int8), question)
    rows = random.choice(ahead.size, VOTED, replace=False)
    value = np.sign(ahead + whim).astype(np.int8)
    people = stats.Battles(first, second, value, question).where(np.sort(rows))
    board, truth = stats.calibrated(people, judge, JUDGED.models), ratings(replace(JUDGED, ties=0.0))
    misled = stats.fit(judge, JUDGED.models)
    return {
        "people helped by a judge": inside(board.combined.low, truth, board.combined.high),
        "people alone": inside(board.human.low, truth, board.human.high),
        "if the judge alone were believed": inside(misled.low, truth, misled.high),
    }


CARELESS = 0.25
"""How often the judge ignores the item and draws any of the values alike."""


def judge_minus_people(random: Random) -> Held:
    """A judge who is like one more person, but careless in a quarter of the cases; three people, questions hang together."""
    crowd = Crowd(items=300, together=0.5)
    chances = crowd.chances(random)
    item, judge, value = columns(crowd.counts(random, chances))
    said = (random.random((crowd.items, 1)) > np.cumsum(chances, axis=1)).sum(axis=1)
    said = np.where(random.random(crowd.items) < CARELESS, random.integers(0, 3, crowd.items), said)
    found = stats.against_people(
        np.concatenate([item, np.arange(crowd.items)]),
        np.concatenate([judge, np.full(crowd.items, 99)]),
        np.concatenate([value, np.minimum(said, 2)]),
        values=3,
        is_person=np.arange(item.size + crowd.items) < item.size,
        machine=99,
        cluster=np.concatenate([crowd.question[item], crowd.question]),
    )[0].raw
    truth = CARELESS * (1 / 3 - crowd.raw)
    return {"judge minus people": inside(found.low, truth, found.high)}


LATER = replace(USUAL, strength=(0.6, 0.6, 0.1, -0.1, -0.3, -0.9))


def changes(random: Random) -> Held:
    """The same battles judged before and after; two models have changed, the questions' tastes have not."""
    first, second, question, worth = USUAL.drawn(random)
    moved = np.array(LATER.strength) - np.array(USUAL.strength)
    ahead = worth[question, first] - worth[question, second]
    before, after = (
        stats.Battles(first, second, USUAL.outcomes(random, lead), question)
        for lead in (ahead, ahead + moved[first] - moved[second])
    )
    apart = stats.Battles(first, second, after.value, question + USUAL.questions)
    truth = ratings(LATER) - ratings(USUAL)
    paired, unpaired = (stats.rating_changes(before, side, USUAL.models).ratings for side in (after, apart))
    return {
        "paired by question": inside(paired.low, truth, paired.high),
        "if sides counted as independent": inside(unpaired.low, truth, unpaired.high),
    }
