"""Columns in parts."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray


class Table(Protocol):
    def where(self: T, mask: NDArray[Any], /) -> T: ...


T = TypeVar("T", bound=Table)


def split(table: T, key: NDArray[np.int64]) -> dict[int, T]:
    """The rows of each value of a column (n,), in their order."""
    order = np.argsort(key, kind="stable")
    values, starts = np.unique(key[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(values) else []
    return {int(value): table.where(part) for value, part in zip(values, parts, strict=True)}
