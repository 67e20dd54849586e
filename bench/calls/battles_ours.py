"""Our side of bench/rating.py: from the columns as they come to the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.measure import Data, Prepared


def reading(data: Data) -> Prepared:
    """Each integer column summed once: nothing that reads the battles can be faster."""
    columns = [data[name] for name in ("first", "second", "value")]
    return Prepared(lambda: [column.sum() for column in columns])


def counting(data: Data) -> Prepared:
    given, models = _given(data)

    def call() -> Any:
        from rating import stats

        return stats.counts(stats.Battles(**given), models)

    return Prepared(call)


def fit(data: Data) -> Prepared:
    return _fitted(data, clustered=False)


def fit_clustered(data: Data) -> Prepared:
    return _fitted(data, clustered=True)


def _fitted(data: Data, *, clustered: bool) -> Prepared:
    given, models = _given(data)

    def call() -> Any:
        from rating import stats

        return stats.fit(stats.Battles(**given), models, clustered=clustered)

    return Prepared(call, _ratings)


def fit_names(data: Data) -> Prepared:
    """From a DataFrame of names and winners, as the peers take it."""
    import pandas as pd

    frame, cluster = _frame(data), data["cluster"]

    def call() -> Any:
        from rating import stats

        code, names = pd.factorize(pd.concat([frame["model_a"], frame["model_b"]]), sort=True)
        won, lost = frame["winner"] == "model_a", frame["winner"] == "model_b"
        value = won.to_numpy().astype(np.float64) - lost.to_numpy()
        battles = stats.Battles(code[: len(frame)], code[len(frame) :], value, cluster)
        return stats.fit(battles, len(names), clustered=False)

    return Prepared(call, _ratings)


def bootstrap_100(data: Data) -> Prepared:
    return _bootstrapped(data, draws=100)


def bootstrap_1000(data: Data) -> Prepared:
    return _bootstrapped(data, draws=1000)


def _bootstrapped(data: Data, *, draws: int) -> Prepared:
    given, models = _given(data)

    def call() -> Any:
        from rating import stats
        from rating.stats.bootstrap import bootstrap_counts

        return bootstrap_counts(stats.counts(stats.Battles(**given), models), draws=draws)

    return Prepared(call)


def online_elo(data: Data) -> Prepared:
    given, models = _given(data)

    def call() -> Any:
        from rating import stats

        return stats.online_elo(stats.Battles(**given), models, k=4.0)

    return Prepared(call, lambda rating: rating)


def shuffled_elo(data: Data) -> Prepared:
    given, models = _given(data)

    def call() -> Any:
        from rating import stats

        return stats.shuffled_elo(stats.Battles(**given), models, k=4.0, shuffles=10)

    return Prepared(call)


def style(data: Data) -> Prepared:
    return _styled(data, clustered=False)


def style_clustered(data: Data) -> Prepared:
    return _styled(data, clustered=True)


def _styled(data: Data, *, clustered: bool) -> Prepared:
    given, models = _given(data)
    features = dict(zip(("length", "headers", "lists", "bold"), np.ascontiguousarray(data["style"].T), strict=True))

    def call() -> Any:
        from rating import stats
        from rating.stats.style import fit_styled

        return fit_styled(stats.Battles(**given), models, style=features, clustered=clustered)

    return Prepared(call, _ratings)


def ties(data: Data) -> Prepared:
    given, models = _given(data)

    def call() -> Any:
        from rating import stats
        from rating.stats.ties import davidson

        return davidson(stats.counts(stats.Battles(**given), models))

    return Prepared(call)


def _given(data: Data) -> tuple[dict[str, np.ndarray], int]:
    return {name: data[name] for name in ("first", "second", "value", "cluster")}, int(data["models"])


def _frame(data: Data) -> Any:
    from bench.calls.frames import frame

    return frame(data)


def _ratings(board: Any) -> np.ndarray:
    return board.rating
