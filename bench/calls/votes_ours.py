"""Our side of bench/agreement.py: from the columns of votes as they come to the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.measure import Data, Prepared

VALUES = 3
ROUNDS = 20
ALL_ROUNDS = 1e-300
"""A tolerance that no round falls below, so that all of them are done."""


def alpha(data: Data) -> Prepared:
    item, value = data["item"], data["value"]

    def call() -> Any:
        from rating import stats

        return stats.alpha(stats.votes_by_item(item, value, values=VALUES))

    return Prepared(call, lambda result: result)


def alpha_interval(data: Data) -> Prepared:
    return _interval(data["item"], data["value"], None)


def alpha_interval_shuffled(data: Data) -> Prepared:
    order = data["shuffled"]
    return _interval(data["item"][order], data["value"][order], None)


def alpha_interval_clustered(data: Data) -> Prepared:
    return _interval(data["item"], data["value"], data["cluster"])


def _interval(item: np.ndarray, value: np.ndarray, cluster: np.ndarray | None) -> Prepared:
    def call() -> Any:
        from rating import stats

        votes = stats.votes_by_item(item, value, values=VALUES, cluster=cluster)
        return stats.alpha(votes), stats.alpha_interval(votes)

    return Prepared(call, lambda result: result[0])


def whole(data: Data) -> Prepared:
    """Everything that the agreement page says of these votes."""
    return _agreed(data, None)


def whole_clustered(data: Data) -> Prepared:
    return _agreed(data, data["cluster"])


def _agreed(data: Data, cluster: np.ndarray | None) -> Prepared:
    item, judge, value = data["item"], data["judge"], data["value"]

    def call() -> Any:
        from rating import stats

        return stats.agree(item, judge, value, values=VALUES, cluster=cluster, tie=1)

    return Prepared(call, lambda result: result.alpha)


def all_pairs(data: Data) -> Prepared:
    item, judge, value = data["item"], data["judge"], data["value"]

    def call() -> Any:
        from rating.stats.pairwise import pairwise_kappa

        return pairwise_kappa(item, judge, value, values=VALUES)

    return Prepared(call, _upper)


def all_pairs_whole(data: Data) -> Prepared:
    item, judge, value = data["item"], data["judge"], data["value"]

    def call() -> Any:
        from rating import stats

        return stats.pairwise_table(item, judge, value, values=VALUES)

    return Prepared(call, lambda pairs: [pair.agreement.kappa for pair in pairs])


def dawid_skene(data: Data) -> Prepared:
    item, judge, value = data["item"], data["judge"], data["value"]

    def call() -> Any:
        from rating.stats.dawid_skene import dawid_skene
        from rating.stats.errors import NotConverged

        try:
            return dawid_skene(item, judge, value, values=VALUES, most_rounds=ROUNDS, tolerance=ALL_ROUNDS)
        except NotConverged:  # as it must be: the rounds are counted, not the answer
            return None

    return Prepared(call)


def by_category_people(data: Data) -> Prepared:
    return _by_category(data, machines=0)


def by_category_judged(data: Data) -> Prepared:
    """With one judge that is a machine: its agreement with people, and that less theirs, in each category."""
    return _by_category(data, machines=1)


def _by_category(data: Data, *, machines: int) -> Prepared:
    item, judge, value = data["item"], data["judge"], data["value"]
    category, cluster = data["category"], data["cluster"]
    person = judge >= machines

    def call() -> Any:
        from rating.stats.agreement_table import agreement_table

        return agreement_table(
            item, judge, value, values=VALUES, is_person=person, cluster=cluster, category=category, tie=1
        )

    return Prepared(call)


def _upper(result: Any) -> np.ndarray:
    """κ of every two judges (pairs,)."""
    return result.kappa[np.triu_indices(result.kappa.shape[0], 1)]
