"""How a benchmark's questions are sorted besides by category: into kinds of categories, and by language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Count
from numpy.typing import NDArray

from arena.models import Benchmark, Category, Question

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sorting:
    """`kinds`: category id → the id of its kind, a category too: its group, or its place in the board's grouping.

    `questions` (q,) are ids in rising order, `codes` (q,) the place of each one's language in `languages`; all are empty
    where there is only one language.
    """

    kinds: Mapping[int, int] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    questions: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    codes: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def language_of(self, questions: Ints) -> Ints:
        """The code of each question's language (n,); -1 for one that is not known."""
        if not len(self.questions):
            return np.full(len(questions), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.questions, questions), len(self.questions) - 1)
        return np.where(self.questions[place] == questions, self.codes[place], -1)

    def kind_of(self, categories: Ints) -> Ints:
        """The kind of each category (n,); -1 where it has none, or where its kind holds questions of its own.

        Such a kind is a category already, with a board of that name.
        """
        there = set(categories.tolist())
        kinds = (self.kinds.get(int(one), -1) for one in categories)
        return np.array([-1 if kind in there else kind for kind in kinds], dtype=np.int64)

    @cached_property
    def words(self) -> tuple[str, str]:
        """What a digest of ratings must know of it."""
        told = zip(self.questions.tolist(), self.codes.tolist(), strict=True)
        return str(sorted(self.kinds.items())), f"{self.languages} {list(told) if self.languages else ''}"


def groups() -> dict[int, int]:
    """Each category's own group, by ids. One query."""
    return dict(Category.objects.filter(group__isnull=False).values_list("pk", "group"))


def counts(benchmark: Benchmark) -> dict[str, int]:
    """How many questions each category of the benchmark has, by key. One query."""
    rows = Question.objects.filter(benchmark=benchmark).order_by().values_list("category__key")
    return dict(rows.annotate(n=Count("pk")))


def sorting(benchmark: Benchmark, kinds: Mapping[int, int]) -> Sorting:
    """The languages of the benchmark's questions, beside these kinds. One query."""
    rows = list(Question.objects.filter(benchmark=benchmark).order_by("pk").values_list("pk", "language"))
    names = tuple(sorted({language for _pk, language in rows if language}))
    if len(names) < 2:
        return Sorting(kinds)
    known = [(pk, names.index(language)) for pk, language in rows if language]
    table = np.array(known, dtype=np.int64)
    return Sorting(kinds, names, table[:, 0], table[:, 1])


def members(kinds: Mapping[int, int], categories: Iterable[Any]) -> dict[int, list[int]]:
    """Of these categories those of each kind, by the kind's id; without kinds that hold questions of their own."""
    there = [int(one) for one in categories]
    found: dict[int, list[int]] = {}
    for one in there:
        kind = kinds.get(one)
        if kind is not None and kind not in there:
            found.setdefault(kind, []).append(one)
    return found
