"""The peers' side of bench/rating.py: each library as its manual calls it, in the peers' environment."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from bench.calls.frames import by_number, frame
from bench.measure import Data, Prepared

K = 4.0
NOT_ALL = 5
"""Resamples of evalica's bootstrap that are drawn where 100 would take minutes; the table multiplies."""


def evalica_frame(data: Data) -> Prepared:
    table, winners, models = _table_of_evalica(data), _winners(data), int(data["models"])

    def call() -> Any:
        import evalica

        return evalica.bradley_terry(table["model_a"], table["model_b"], winners)

    return Prepared(call, lambda result: _points(by_number(result.scores, models)))


def evalica_integers(data: Data) -> Prepared:
    first, second, winners, models = data["first"], data["second"], _winners(data), int(data["models"])

    def call() -> Any:
        import evalica

        return evalica.bradley_terry(first, second, winners, index=pd.RangeIndex(models))

    return Prepared(call, lambda result: _points(result.scores.sort_index().to_numpy()))


def evalica_core(data: Data) -> Prepared:
    """The Rust function behind it, from arrays of its own types."""
    first, second = data["first"].astype(np.uintp), data["second"].astype(np.uintp)
    winner, weight = np.array([2, 0, 1], dtype=np.uint8)[data["value"] + 1], np.ones(data["value"].size)
    models = int(data["models"])

    def call() -> Any:
        from evalica import _brzo

        return _brzo.bradley_terry(first, second, winner, weight, models, 1.0, 0.5, 1e-6, 100)

    return Prepared(call, lambda result: _points(result[0]))


def evalica_bootstrap(data: Data) -> Prepared:
    table, winners = _table_of_evalica(data), _winners(data)

    def call() -> Any:
        import evalica

        return evalica.bootstrap(
            evalica.bradley_terry,
            table["model_a"],
            table["model_b"],
            winners,
            n_resamples=NOT_ALL,
            bootstrap_method="percentile",
            random_state=0,
        )

    return Prepared(call)


def evalica_elo(data: Data) -> Prepared:
    table, winners, models = _table_of_evalica(data), _winners(data), int(data["models"])

    def call() -> Any:
        import evalica

        return evalica.elo(table["model_a"], table["model_b"], winners, initial=1000.0, scale=400.0, k=K)

    return Prepared(call, lambda result: by_number(result.scores, models))


def evalica_elo_core(data: Data) -> Prepared:
    first, second = data["first"].astype(np.uintp), data["second"].astype(np.uintp)
    winner, weight = np.array([2, 0, 1], dtype=np.uint8)[data["value"] + 1], np.ones(data["value"].size)
    models = int(data["models"])

    def call() -> Any:
        from evalica import _brzo

        return _brzo.elo(first, second, winner, weight, models, 1000.0, 10.0, 400.0, K, 1.0, 0.5)

    return Prepared(call, lambda rating: rating)


def arena_rank(data: Data) -> Prepared:
    """From the table to ratings with sandwich intervals."""
    table, models = frame(data), int(data["models"])

    def call() -> Any:
        from arena_rank.models.bradley_terry import BradleyTerry
        from arena_rank.utils.data_utils import PairDataset

        battles = PairDataset.from_pandas(table)
        result = BradleyTerry(n_competitors=len(battles.competitors)).compute_ratings_and_cis(battles)
        return _told(result)

    return Prepared(call, lambda result: by_number(result, models))


def arena_rank_prepared(data: Data) -> Prepared:
    """The same, without the time to count the table."""
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    battles, models = PairDataset.from_pandas(frame(data)), int(data["models"])

    def call() -> Any:
        return _told(BradleyTerry(n_competitors=len(battles.competitors)).compute_ratings_and_cis(battles))

    return Prepared(call, lambda result: by_number(result, models))


def arena_rank_style(data: Data) -> Prepared:
    table, models = frame(data), int(data["models"])
    features = [f"style {k}" for k in range(data["style"].shape[1])]
    table = pd.concat([table, pd.DataFrame(data["style"], columns=features)], axis=1)

    def call() -> Any:
        from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry
        from arena_rank.utils.data_utils import ContextualPairDataset

        battles = ContextualPairDataset.from_pandas(table, feature_cols=features, reweighted=False)
        # without its default ridge on the coefficients, so that it answers the same question as the others
        board = ContextualBradleyTerry(len(battles.competitors), len(features), reg=0.0)
        return _told(board.compute_ratings_and_cis(battles))

    return Prepared(call, lambda result: by_number(result, models))


def fastchat(data: Data) -> Prepared:
    table, models = frame(data), int(data["models"])

    def call() -> Any:
        from bench.calls.fastchat import bradley_terry

        return bradley_terry(table)

    return Prepared(call, lambda rating: by_number(rating, models))


def fastchat_published(data: Data) -> Prepared:
    """The functions that the released package carries: scikit-learn on a dense table."""
    table, models, published = frame(data), int(data["models"]), _published()
    return Prepared(lambda: published.compute_elo_mle_with_tie(table), lambda rating: by_number(rating, models))


def fastchat_elo_published(data: Data) -> Prepared:
    table, models, published = frame(data), int(data["models"]), _published()

    def call() -> Any:
        return pd.Series(published.compute_elo(table, K=K))

    return Prepared(call, lambda rating: by_number(rating, models))


def fastchat_bootstrap(data: Data) -> Prepared:
    table = frame(data)

    def call() -> Any:
        from bench.calls.fastchat import bootstrap

        return bootstrap(table, 100)

    return Prepared(call)


def fastchat_elo(data: Data) -> Prepared:
    table, models = frame(data), int(data["models"])

    def call() -> Any:
        from bench.calls.fastchat import online_elo

        return online_elo(table, k=K)

    return Prepared(call, lambda rating: by_number(rating, models))


def fastchat_style(data: Data) -> Prepared:
    table, style, models = frame(data), data["style"], int(data["models"])

    def call() -> Any:
        from bench.calls.fastchat import style_control

        return style_control(table, style)

    return Prepared(call, lambda result: by_number(result[0], models))


def _published() -> Any:
    """elo_analysis of the released package, without the web server's modules and the charts that it imports beside."""
    empty = {
        "fastchat.model": (),
        "fastchat.model.model_registry": ("get_model_info",),
        "fastchat.serve.monitor.basic_stats": ("get_log_files",),
        "fastchat.serve.monitor.clean_battle_data": ("clean_battle_data",),
        "plotly": (),
        "plotly.express": (),
        "pytz": ("timezone",),
    }
    for name, functions in empty.items():
        module = ModuleType(name)
        for function in functions:
            setattr(module, function, None)
        sys.modules[name] = module
    sys.modules["plotly"].express = sys.modules["plotly.express"]  # type: ignore[attr-defined]
    return importlib.import_module("fastchat.serve.monitor.elo_analysis")


def _table_of_evalica(data: Data) -> pd.DataFrame:
    """With Python's strings instead of Arrow's, by which evalica takes a third of the time; the others are faster with Arrow's."""
    pd.options.mode.string_storage = "python"
    return frame(data)


def _winners(data: Data) -> list[Any]:
    import evalica

    named = [evalica.Winner.Y, evalica.Winner.Draw, evalica.Winner.X]
    return [named[k] for k in (data["value"] + 1).tolist()]


def _points(score: np.ndarray) -> np.ndarray:
    """Rating points of evalica's scores, which are odds."""
    return 400.0 * np.log10(score)


def _told(result: dict[str, Any]) -> pd.Series:
    """arena-rank's ratings with their intervals computed to the end; JAX would return before it has."""
    np.asarray(result["rating_lower"]), np.asarray(result["rating_upper"])
    return pd.Series(np.asarray(result["ratings"]), index=result["competitors"])
