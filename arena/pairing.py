"""Which battles there are to judge, and which side is shown first: ids in, pairs out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from hashlib import blake2b
from itertools import combinations
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


def shown_swapped(seed: int | str, *ids: Hashable) -> bool:
    """Whether this item is shown the other way round: a fair coin that always falls the same way.

    The coin depends on the seed and on every id (compared by `repr`, so ids are ints, strings, UUIDs
    or tuples of those), not on Python's salted `hash`: the same on every machine and in every process.
    """
    digest = blake2b(repr((seed, *ids)).encode("utf-8", "surrogatepass"), digest_size=1, person=b"juryroom side")
    return bool(digest.digest()[0] & 1)
