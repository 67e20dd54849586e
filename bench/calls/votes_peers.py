"""The peers' side of bench/agreement.py: each library as its manual calls it, in the peers' environment."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from bench.measure import Data, Prepared

VALUES = 3
VOTES = 3
RESAMPLES = 1000


def evalica_alpha(data: Data) -> Prepared:
    table = _table(data)

    def call() -> Any:
        import evalica

        return evalica.alpha(table)

    return Prepared(call, lambda result: result.alpha)


def evalica_interval(data: Data) -> Prepared:
    table = _table(data)

    def call() -> Any:
        import evalica

        return evalica.alpha_bootstrap(table, n_resamples=RESAMPLES, random_state=0)

    return Prepared(call, lambda result: result.alpha)


def krippendorff_table(data: Data) -> Prepared:
    table = _columns(data).astype(float)

    def call() -> Any:
        import krippendorff

        return krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")

    return Prepared(call, lambda result: result)


def krippendorff_counts(data: Data) -> Prepared:
    """From the votes of each value on each item, counted before."""
    counts = np.stack([(_columns(data) == value).sum(axis=0) for value in range(VALUES)], axis=1)

    def call() -> Any:
        import krippendorff

        return krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")

    return Prepared(call, lambda result: result)


def scikit_learn_all_pairs(data: Data) -> Prepared:
    """Cohen's κ for every two annotators, over the items that both have judged."""
    annotators = int(data["judge"].max()) + 1
    said = np.full((annotators, int(data["item"].max()) + 1), -1, dtype=np.int8)
    said[data["judge"], data["item"]] = data["value"]

    def call() -> Any:
        from sklearn.metrics import cohen_kappa_score

        found = []
        for one, other in combinations(range(annotators), 2):
            both = (said[one] >= 0) & (said[other] >= 0)
            found.append(cohen_kappa_score(said[one, both], said[other, both]) if both.any() else np.nan)
        return found

    return Prepared(call, lambda result: result)


def _columns(data: Data) -> np.ndarray:
    """Votes (3, items): who cast them does not matter for α, and three rows are the least that the libraries can be given."""
    return np.ascontiguousarray(data["value"].reshape(-1, VOTES).T)


def _table(data: Data) -> Any:
    import pandas as pd

    return pd.DataFrame(_columns(data))
