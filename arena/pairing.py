"""Which battles there are to judge, and which side is shown first: ids in, pairs out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations
from random import Random
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def against(baseline: T, models: Iterable[T]) -> list[tuple[T, T]]:
    """Each model with the baseline, `(model, baseline)`, in the order given.

    The baseline does not meet itself; a model named twice is paired once.
    """
    return [(model, baseline) for model in dict.fromkeys(models) if model != baseline]


def all_pairs(models: Iterable[T]) -> list[tuple[T, T]]:
    """Every unordered pair of different models once: n models give n·(n − 1)/2 pairs.

    Within a pair the models keep the order given; a model named twice counts once.
    """
    return list(combinations(dict.fromkeys(models), 2))


@lru_cache(maxsize=16)
def sparse_pairs(models: tuple[T, ...], questions: int, *, each: int, seed: int) -> tuple[tuple[tuple[T, T], ...], ...]:
    """For each of so many questions, in their order, `each` different pairs of these different models; all pairs where there
    are no more.

    The pairs of all questions, one after another, go through every pair once before any comes again: counts of pairs differ
    by one at the most. The first n − 1 pairs of n models already connect them. A further question changes nothing before it.
    """
    total = len(models) * (len(models) - 1) // 2
    if each >= total:
        return (tuple(all_pairs(models)),) * questions
    dice = Random(seed)
    placed = list(models)
    dice.shuffle(placed)
    rounds = _rounds(placed)
    ahead = [pair for one in rounds for pair in one]
    chosen = []
    for _question in range(questions):
        taken, ahead = ahead[:each], ahead[each:]
        if len(taken) < each:
            fresh = _again(rounds, dice)
            new = [pair for pair in fresh if pair not in taken]
            more = each - len(taken)
            ahead = new[more:] + taken
            taken = taken + new[:more]
        chosen.append(tuple(taken))
    return tuple(chosen)


def _rounds(models: Sequence[T]) -> list[list[tuple[T, T]]]:
    """All pairs in rounds, as tournaments are drawn by the circle method: in a round each model is in one pair, where their
    number is odd all but one. Two rounds that follow each other make one path or circle of all models."""
    seats: list[T | None] = [*models, *([None] if len(models) % 2 else [])]
    fixed, around = seats[-1], seats[:-1]
    n = len(around)
    rounds = []
    for turn in range(n):
        met = [(around[turn], fixed)]
        met += [(around[(turn + step) % n], around[(turn - step) % n]) for step in range(1, n // 2 + 1)]
        rounds.append([(one, other) for one, other in met if one is not None and other is not None])
    return rounds


def _again(rounds: Sequence[Sequence[tuple[T, T]]], dice: Random) -> list[tuple[T, T]]:
    """The pairs of these rounds in another order: were it the same, a pair could fall on questions of one kind only."""
    shuffled = [dice.sample(one, len(one)) for one in rounds]
    dice.shuffle(shuffled)
    return [pair for one in shuffled for pair in one]


def are_connected(models: Iterable[T], pairs: Iterable[tuple[T, T]]) -> bool:
    """Whether each of the models can be reached from each other one by these pairs."""
    groups = {model: {model} for model in models}
    for one, other in pairs:
        if groups[one] is not groups[other]:
            groups[one] |= groups[other]
            groups.update(dict.fromkeys(groups[other], groups[one]))
    return len({id(group) for group in groups.values()}) <= 1


def shown_swapped(seed: int | str, *ids: Hashable) -> bool:
    """Whether this item is shown the other way round: a fair coin that always falls the same way.

    The coin depends on the seed and on every id (compared by `repr`, so ids are ints, strings, UUIDs
    or tuples of those), not on Python's salted `hash`: the same on every machine and in every process.
    """
    digest = blake2b(repr((seed, *ids)).encode("utf-8", "surrogatepass"), digest_size=1, person=b"juryroom side")
    return bool(digest.digest()[0] & 1)
