"""Style control: strengths as they would be if both answers had the same length and the same markdown.

Bradley–Terry with covariates of the battle; strengths and coefficients come from one logistic fit. Source: Li,
Angelopoulos and Chiang (2024), "Does style matter? Disentangling style and substance in Chatbot Arena"; the
sandwich as in rating.stats.bradley_terry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Bools, Floats, Ints, floats, same_length
from rating.stats.battles import Battles, check_models, counts
from rating.stats.bradley_terry import (
    DISCONNECTED,
    FEW_CLUSTERS,
    MIDDLE,
    NO_SPREAD,
    POINTS_PER_NAT,
    SEPARATED,
    Strengths,
    fit_counts,
    row_weights,
)
from rating.stats.errors import ImpossibleInput
from rating.stats.intervals import student
from rating.stats.style_newton import (
    BLOCK,
    Rows,
    clustered_spread,
    covariance_of,
    expected_spread,
    independent_spread,
    likelihood,
    solved,
)

CONSTANT_FEATURE = "constant_feature"
"""Note: a feature (Styled.left_out names it) is the same in all battles: it has no coefficient and controls nothing."""
STYLE_DECIDES = "style_decides"
"""Note: style and models together explain every battle; SEPARATED_PRIOR keeps the coefficients finite."""
OFF_CENTRE = "off_centre"
"""Note: the answers that stand first have clearly more, or less, of a feature, so that z-scores control at that
average gap; centred=False controls at no difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Styled(Strengths):
    """Strengths with style held equal, and what style is worth; the strengths are read as in `Strengths`.

    For the f features, named in `features` in the order given: `coefficient`: nats for one standard deviation more of
    the feature (f,), with `coefficient_low`, `coefficient_high`; NaN for a feature in `left_out`. `mean`, `std`: of the
    covariate over the battles, population form (f,). `log_likelihood`: of the battles by their weights, in nats, without any prior.
    More notes than Strengths: CONSTANT_FEATURE, STYLE_DECIDES, OFF_CENTRE.
    """

    features: tuple[str, ...]
    left_out: tuple[str, ...]
    coefficient: Floats
    coefficient_low: Floats
    coefficient_high: Floats
    mean: Floats
    std: Floats
    log_likelihood: float

    @property
    def odds_ratio(self) -> Floats:
        """Factor on the odds of winning for one standard deviation more of each feature (f,)."""
        return _odds(self.coefficient)

    @property
    def odds_ratio_interval(self) -> tuple[Floats, Floats]:
        """The ends (low, high) of the interval of each odds ratio, (f,) each."""
        return _odds(self.coefficient_low), _odds(self.coefficient_high)


def _odds(nats: Floats) -> Floats:
    """e to these powers; infinity, without a warning, for what no float can hold."""
    with np.errstate(over="ignore"):
        odds: Floats = np.exp(nats)
    return odds


def relative_difference(first: ArrayLike, second: ArrayLike, *, add_one: bool = False) -> Floats:
    """The style covariate (a - b)/(a + b) of each battle, in -1..1 (n,); 0 where both answers have none.

    `first`, `second` (n,): a feature of the two answers, such as tokens or headers, in any unit, not negative.
    `add_one`: divide by a + b + 1, FastChat's form, in which the unit matters. Raises ImpossibleInput.
    """
    ahead, behind = floats(first, "first"), floats(second, "second")
    same_length(first=ahead, second=behind)
    if ahead.size and min(ahead.min(), behind.min()) < 0:
        raise ImpossibleInput("a feature below zero cannot be compared as a share")
    difference = np.empty_like(ahead)
    for start in range(0, ahead.size, BLOCK):
        block = slice(start, start + BLOCK)
        total = ahead[block] + behind[block]
        total += 1.0 if add_one else 0.0
        np.maximum(total, np.finfo(np.float64).tiny, out=total)  # 0/0 becomes 0
        np.divide(ahead[block] - behind[block], total, out=difference[block])
    return difference


def fit_styled(
    battles: Battles,
    models: int,
    *,
    style: Mapping[str, ArrayLike],
    centred: bool = True,
    prior: float | None = None,
    anchor: tuple[int, float] | None = None,
    clustered: bool = True,
    level: float = 0.95,
    weight: ArrayLike | None = None,
    strong: float = 1.0,
) -> Styled:
    """Strengths of `models` models with style held equal, and a coefficient for each feature, with intervals.

    `style`: the covariate (n,) of each feature by name, towards first, as `relative_difference` gives it; to control
    for length only, give length only. It becomes a z-score over all battles; centred=False divides by the standard
    deviation alone, and then the side on which an answer stands never matters. `prior`, `anchor`, `clustered`,
    `level`, `weight`, `strong` as in `rating.stats.bradley_terry.fit`, z-scores and `n` count battles as they are; a prior also adds, for each feature, that many ties between
    equal models one standard deviation apart. Models that never met share the coefficients; their strengths stay in
    components apart. `inflation` is not measured: NaN. Raises ImpossibleInput (NaN, features that cannot be told apart:
    by name), TooLittleData, NotConverged.
    """
    columns = {name: floats(column, name) for name, column in style.items()}
    same_length(battles=battles.first, **columns)
    check_models(battles, models)
    weights = row_weights(battles, weight, strong)
    if weights is not None and not weights.all():
        kept = weights > 0
        battles, weights = battles.where(kept), weights[kept]
        columns = {name: column[kept] for name, column in columns.items()}
    table = counts(battles, models, weight=weights)
    start = fit_counts(table, prior=prior, anchor=anchor)
    mean, std, varies = _units(columns)
    rows = _standardised(battles, models, [*columns.values()], centre=mean * centred, std=np.where(varies, std, 0.0))
    rows = replace(rows, weight=weights)
    point, information, added = solved(rows, table, start, prior=prior, names=_named(columns, varies))
    spread = clustered_spread(rows, point, start.component) if clustered else independent_spread(rows, point)
    expected = information if weights is None else expected_spread(rows, point, added)
    covariance, flat = covariance_of(information, spread.meat, expected, start.component, prior=added)
    said = {
        DISCONNECTED: DISCONNECTED in start.notes,
        SEPARATED: SEPARATED in start.notes,
        STYLE_DECIDES: prior is None and added.feature > 0,
        FEW_CLUSTERS: spread.few,
        NO_SPREAD: flat,
        CONSTANT_FEATURE: not varies.all(),
        OFF_CENTRE: centred and _off_centre(mean[varies], std[varies], len(battles)),
    }
    strength = np.where(start.component >= 0, point[:models], np.nan)
    rating = _anchored(MIDDLE + POINTS_PER_NAT * strength, start.component, anchor)
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    freedom = np.where(start.component >= 0, spread.freedom, np.nan)
    half = POINTS_PER_NAT * error[:models] * student(level, freedom)
    coefficient, reach = np.full((2, varies.size), np.nan)
    coefficient[varies], reach[varies] = point[models:], error[models:] * student(level, spread.coefficients)
    return Styled(
        strength=strength,
        covariance=covariance[:models, :models],
        freedom=freedom,
        rating=rating,
        low=rating - half,
        high=rating + half,
        component=start.component,
        n=np.bincount(np.concatenate([battles.first, battles.second]), minlength=models),
        converged=True,
        notes=tuple(note for note, true in said.items() if true),
        features=tuple(columns),
        left_out=_named(columns, ~varies),
        coefficient=coefficient,
        coefficient_low=coefficient - reach,
        coefficient_high=coefficient + reach,
        mean=mean,
        std=std,
        log_likelihood=likelihood(rows, point),
    )


def _units(columns: Mapping[str, Floats]) -> tuple[Floats, Floats, Bools]:
    """Mean and population standard deviation of each covariate (f,), and whether it varies at all."""
    mean, std, largest = np.zeros((3, len(columns)))
    for place, column in enumerate(columns.values()):
        mean[place], std[place] = column.mean(), column.std()
        largest[place] = np.abs(column).max()
    return mean, std, std > 1e-9 * largest


def _standardised(battles: Battles, models: int, columns: list[Floats], *, centre: Floats, std: Floats) -> Rows:
    used = np.flatnonzero(std)
    z = np.empty((used.size, len(battles)))
    for place, feature in enumerate(used):
        np.subtract(columns[feature], centre[feature], out=z[place])
        z[place] /= std[feature]
    first, second, cluster = (
        column.astype(np.int64, copy=False) for column in (battles.first, battles.second, battles.cluster)
    )
    return Rows(models, first, second, cluster, first * models + second, battles.share(), z)


def _named(columns: Mapping[str, Floats], which: Bools) -> tuple[str, ...]:
    return tuple(name for name, chosen in zip(columns, which, strict=True) if chosen)


def _off_centre(mean: Floats, std: Floats, n: int) -> bool:
    """Whether some mean is a tenth of a deviation from zero, and further than chance brings it."""
    return bool((np.abs(mean) > std * max(0.1, 4.0 / np.sqrt(n))).any())


def _anchored(rating: Floats, component: Ints, anchor: tuple[int, float] | None) -> Floats:
    if anchor is None:
        return rating
    model, wanted = anchor
    return np.where(component == component[model], rating + (wanted - rating[model]), rating)
