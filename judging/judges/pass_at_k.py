"""pass@k: how likely one of k answers passes, estimated from n of them (Chen et al. 2021, arXiv:2107.03374)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Samples:
    """A question's answers by one model: `n` were run, `passed` of them passed."""

    category: str
    n: int
    passed: int


@dataclass(frozen=True, slots=True)
class PassAtK:
    """The mean of pass@k over the questions that have at least k answers; None where none has."""

    value: float | None
    questions: int


def pass_at_k(n: int, passed: int, k: int) -> float:
    """1 − C(n − passed, k) / C(n, k): the share of the choices of k out of n answers in which one passes.

    Unbiased for independent answers. Computed as a product, so that no large number arises. Raises ValueError
    unless 1 ≤ k ≤ n and 0 ≤ passed ≤ n.
    """
    if not 1 <= k <= n or not 0 <= passed <= n:
        raise ValueError(f"pass@k needs 1 <= k <= n and 0 <= passed <= n, not n={n}, passed={passed}, k={k}")
    if n - passed < k:
        return 1.0
    return 1.0 - prod(1.0 - k / left for left in range(n - passed + 1, n + 1))


def pass_at_k_table(counts: Iterable[Samples], ks: Sequence[int] = (1, 5, 10)) -> Mapping[str, Mapping[int, PassAtK]]:
    """pass@k by category and k. A question with fewer than k answers says nothing of that k, and is left out of it."""
    by_category: dict[str, list[Samples]] = {}
    for each in counts:
        by_category.setdefault(each.category, []).append(each)
    return {category: {k: _mean(each, k) for k in ks} for category, each in by_category.items()}


def _mean(counts: Sequence[Samples], k: int) -> PassAtK:
    values = [pass_at_k(each.n, each.passed, k) for each in counts if each.n >= k]
    return PassAtK(sum(values) / len(values) if values else None, len(values))
