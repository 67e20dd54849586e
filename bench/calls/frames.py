"""Battles as the table of names that the peers take, in both environments."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.measure import Data

WINNERS = ("model_b", "tie", "model_a")


def names(models: int) -> list[str]:
    """Names that sort as the models are numbered."""
    return [f"model {k:04d}" for k in range(models)]


def frame(data: Data) -> pd.DataFrame:
    """model_a, model_b, winner as pandas strings (n,)."""
    called = pd.array(names(int(data["models"])), dtype="str")
    said = pd.array(list(WINNERS), dtype="str")
    columns = {"model_a": called.take(data["first"]), "model_b": called.take(data["second"])}
    return pd.DataFrame(columns | {"winner": said.take(data["value"] + 1)})


def by_number(rating: pd.Series, models: int) -> np.ndarray:
    """Ratings (m,) of a series by name, in the order of the models' numbers; NaN for a model without battles."""
    return rating.reindex(names(models)).to_numpy(dtype=float)
