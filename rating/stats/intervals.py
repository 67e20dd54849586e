"""Quantiles and intervals that several estimates share: t, Wilson, and means clustered by question."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, compressed
from rating.stats.errors import ImpossibleInput


def student(level: float, freedom: ArrayLike) -> Floats:
    """Two-sided t quantile for `level` in 0..1 with `freedom` degrees (any shape; inf is the normal one).

    NaN where freedom is below 1: with one cluster there is no interval. Raises ImpossibleInput for a bad level.
    """
    from scipy.special import ndtri, stdtrit  # 0.3 s, not at import

    if not 0.0 < level < 1.0:
        raise ImpossibleInput(f"level {level:g} is not between 0 and 1")
    degrees = np.asarray(freedom, dtype=np.float64)
    upper = 0.5 + level / 2.0
    usable = np.where(np.isfinite(degrees) & (degrees >= 1), degrees, 1.0)
    finite = np.where(degrees >= 1, stdtrit(usable, upper), np.nan)
    return np.where(np.isposinf(degrees), ndtri(upper), finite)


def wilson(k: ArrayLike, n: ArrayLike, *, level: float = 0.95, freedom: ArrayLike = np.inf) -> tuple[Floats, Floats]:
    """Wilson's interval (low, high) for k of n, as shares 0..1, any shape; NaN where n is 0.

    Both may be fractional (an effective number); `freedom` swaps the normal quantile for a t one.
    Source: Wilson (1927), JASA 22.
    """
    hits, tries = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if (tries < 0).any() or (hits < 0).any() or (hits > tries * (1 + 1e-9)).any():
        raise ImpossibleInput("a share needs 0 <= k <= n")
    some = np.where(tries > 0, tries, np.nan)
    square = student(level, freedom) ** 2
    share = np.minimum(hits / some, 1.0)
    middle = (share + square / (2 * some)) / (1 + square / some)
    half = np.sqrt(square * (share * (1 - share) / some + square / (4 * some**2))) / (1 + square / some)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


@dataclass(frozen=True, slots=True)
class ClusteredMeans:
    """Means of g groups: `mean`, `error` (standard error), NaN where unknown; `n` rows, `clusters`; all (g,)."""

    mean: Floats
    error: Floats
    n: Ints
    clusters: Ints


def clustered_means(group: Ints, cluster: Ints, *, value: Floats, groups: int) -> ClusteredMeans:
    """The mean of `value` (n,) in each group, with a standard error that treats each cluster as one observation.

    The mean is over rows; the error is that of a ratio of cluster sums, with factor G/(G - 1).
    A group without rows has NaN, a group with one cluster a mean without error.
    """
    n = np.bincount(group, minlength=groups)
    mean = np.divide(np.bincount(group, value, minlength=groups), n, out=np.full(groups, np.nan), where=n > 0)
    spread, clusters = _gathered(group, cluster, value - mean[group], groups)
    return means_of(mean, spread, n=n, clusters=clusters)


def means_of(mean: Floats, spread: Floats, *, n: Ints, clusters: Ints) -> ClusteredMeans:
    """Means (g,) with the errors that follow from `spread`, the sums of squared cluster sums of residuals (g,)."""
    factor = np.divide(clusters, clusters - 1, out=np.full(mean.size, np.nan), where=clusters > 1)
    error = np.sqrt(np.divide(factor * spread, n * n, out=np.full(mean.size, np.nan), where=n > 0))
    # what is left of equal values after rounding is no spread
    error = np.where(error <= 1e-12 * (1 + np.abs(mean)), 0.0, error)
    return ClusteredMeans(mean=mean, error=error, n=n.astype(np.int64), clusters=clusters.astype(np.int64))


def _gathered(group: Ints, cluster: Ints, residual: Floats, groups: int) -> tuple[Floats, Ints]:
    """Sum of squared cluster sums, and number of clusters, of each group (g,)."""
    most = max(4 * cluster.size, 1 << 16)
    reach = 1 + int(cluster.max(initial=-1))
    if reach * groups > most:
        cluster, reach = compressed(cluster)
    cell = np.multiply(cluster, groups, dtype=np.int64) + group
    if reach * groups <= most:
        table = np.bincount(cell, residual, minlength=reach * groups).reshape(reach, groups)
        met = np.zeros(reach * groups, dtype=np.bool_)
        met[cell] = True
        return np.einsum("ij,ij->j", table, table), met.reshape(reach, groups).sum(axis=0, dtype=np.int64)
    cell, cells = compressed(cell)
    of_cell = np.zeros(cells, dtype=np.int64)
    of_cell[cell] = group
    table = np.bincount(cell, residual, minlength=cells)
    clusters = np.bincount(of_cell, minlength=groups).astype(np.int64)
    spread: Floats = np.bincount(of_cell, table**2, minlength=groups).astype(np.float64, copy=False)
    return spread, clusters


def share_interval(shares: ClusteredMeans, *, level: float, freedom: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Wilson's interval at the effective number of votes, with t quantiles, for means that are shares 0..1.

    The effective number is what independent votes with this standard error would be; where no spread is
    seen (all won, all lost) each question counts as one vote. NaN with fewer than two clusters.
    `freedom`: of the t quantile; None is clusters - 1.
    """
    unit = shares.mean * (1 - shares.mean)
    seen = (shares.error > 0) & (unit > 0)
    effective = np.divide(unit, shares.error**2, out=shares.clusters.astype(np.float64), where=seen)
    degrees = shares.clusters - 1 if freedom is None else freedom
    return wilson(shares.mean * effective, effective, level=level, freedom=degrees)
