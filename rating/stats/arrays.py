"""The array types of this package, and the checks every array passes at the door."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rating.stats.errors import ImpossibleInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Indices = NDArray[np.signedinteger[Any]]
"""Whole numbers of whatever width they came in; take care to widen before multiplying."""
Numbers = NDArray[np.signedinteger[Any]] | NDArray[np.float64]
Bools = NDArray[np.bool_]


def floats(values: ArrayLike, name: str) -> Floats:
    """`values` as a finite float64 array (n,). Raises ImpossibleInput naming the column."""
    array = _column(values, name)
    if array.dtype.kind not in "biuf":
        raise ImpossibleInput(f"{name} must be numbers, not {array.dtype}")
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise ImpossibleInput(f"{name} holds NaN or infinity at row {int(np.flatnonzero(~np.isfinite(array))[0])}")
    return array


def codes(values: ArrayLike, name: str, *, below: int | None = None) -> Ints:
    """`values` as an int64 array (n,) of codes from 0, all smaller than `below`. Raises ImpossibleInput."""
    array = _column(values, name)
    if array.size and array.dtype.kind not in "biu":
        raise ImpossibleInput(f"{name} must be whole numbers, not {array.dtype}")
    _check_width(array, name)
    array = array.astype(np.int64, copy=False)
    if array.size and array.min() < 0:
        raise ImpossibleInput(f"{name} holds a negative number at row {int(array.argmin())}")
    if array.size and below is not None and array.max() >= below:
        raise ImpossibleInput(
            f"{name} holds {int(array.max())} at row {int(array.argmax())}; only 0..{below - 1} can be"
        )
    return array


def indices(values: ArrayLike, name: str) -> Indices:
    """`values` as codes from 0 (n,), in their own width: nothing is copied that is a signed integer already.

    Raises ImpossibleInput for a negative number and for what is not whole.
    """
    array = _signed(_column(values, name), name)
    if array.size and array.dtype.kind != "i":
        raise ImpossibleInput(f"{name} must be whole numbers, not {array.dtype}")
    if array.size and array.min() < 0:
        raise ImpossibleInput(f"{name} holds a negative number at row {int(array.argmin())}")
    return array if array.dtype.kind == "i" else array.astype(np.int64)


def numbers(values: ArrayLike, name: str, *, most: float) -> Numbers:
    """`values` (n,) between -most and most: integers in their own width, all else as float64.

    Raises ImpossibleInput for NaN, infinity and what is out of range, naming the row.
    """
    array = _signed(_column(values, name), name)
    if array.dtype.kind not in "if":
        raise ImpossibleInput(f"{name} must be numbers, not {array.dtype}")
    if array.dtype.kind == "f":
        array = array.astype(np.float64, copy=False)
    if array.size and not (array.min() >= -most and array.max() <= most):  # false for NaN as well
        floats(array, name)
        row = int(np.flatnonzero((array < -most) | (array > most))[0])
        raise ImpossibleInput(f"{name} {array[row]:g} at row {row} is outside -{most:g}..{most:g}")
    return array


def check_level(level: float) -> None:
    """Raise ImpossibleInput unless `level`, of an interval, lies between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise ImpossibleInput(f"level {level:g} is not between 0 and 1")


def same_length(**columns: NDArray[Any]) -> int:
    """The common length of the columns. Raises ImpossibleInput where they differ."""
    lengths = {name: column.shape[0] for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ImpossibleInput(f"columns of unequal length: {lengths}")
    return int(next(iter(lengths.values())))


def compressed(values: Indices) -> tuple[Ints, int]:
    """`values` (n,) renumbered 0..k-1 in their order, and k."""
    if values.size == 0:
        return values.astype(np.int64), 0
    if int(values.max()) < 4 * values.size:
        seen = np.zeros(int(values.max()) + 1, dtype=np.int64)
        seen[values] = 1
        return (np.cumsum(seen) - 1)[values], int(seen.sum())
    unique, index = np.unique(values, return_inverse=True)
    return index.astype(np.int64, copy=False), unique.size


def _column(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ImpossibleInput(f"{name} must have one dimension, not {array.ndim}")
    return array


def _signed(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Booleans and unsigned integers as signed ones that hold them; everything else as it is."""
    if array.dtype.kind not in "bu":
        return array
    _check_width(array, name)
    wide = np.int64 if array.dtype.itemsize >= 4 else np.promote_types(array.dtype, np.int8)
    return array.astype(wide)


def _check_width(array: NDArray[Any], name: str) -> None:
    """Raise ImpossibleInput where an unsigned number is too large for int64, which would turn it into a negative one."""
    if array.dtype.kind == "u" and array.itemsize == 8 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ImpossibleInput(f"{name} holds {int(array.max())} at row {int(array.argmax())}; 2**63 - 1 is the most")
