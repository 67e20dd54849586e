"""How the two answers of each battle look, as columns, for ratings that are controlled for style."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from django.db.models import F
from numpy.typing import NDArray

from arena.models import Answer, Battle, Benchmark
from arena.style import FEATURES
from rating.data.bulk import columns
from rating.data.record import Lookup


@dataclass(frozen=True)
class Looks:
    """The FEATURES of the first and the second answer of n battles, (n, 4) each; `known` (n,): whether both have them."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    known: NDArray[np.bool_]

    def digest(self) -> str:
        """SHA-256 over all of it."""
        total = hashlib.sha256()
        for table in (self.first, self.second, self.known):
            total.update(np.ascontiguousarray(table).tobytes())
        return total.hexdigest()


def looks(benchmark: Benchmark, battles: NDArray[np.int64]) -> Looks:
    """How the answers of these battles (n,) look. Two queries."""
    answers = Answer.objects.filter(question__benchmark=benchmark, **{f"{name}__isnull": False for name in FEATURES})
    style = Lookup(columns(answers, pk="pk", **{name: F(name) for name in FEATURES}))
    pairs = Lookup(
        columns(Battle.objects.filter(question__benchmark=benchmark), pk="pk", first="first", second="second")
    )
    table = np.stack([style.table[name] for name in FEATURES], axis=1).astype(np.float64)
    if not len(style) or not len(pairs):
        nothing = np.zeros((len(battles), len(FEATURES)))
        return Looks(nothing, nothing, np.zeros(len(battles), dtype=bool))
    place, known = pairs.place(battles)
    first, first_known = style.place(pairs.table["first"][place])
    second, second_known = style.place(pairs.table["second"][place])
    return Looks(table[first], table[second], known & first_known & second_known)
