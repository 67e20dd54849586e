"""What a model report says, as plain frozen values; nothing here asks the database."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

WEIGHTED, AVERAGE = "weighted_avg", "avg"
BASES = (WEIGHTED, AVERAGE)
"""How categories make a total: by how many questions each has, or each once."""
SHARE = "share"
"""The unit of a number 0..1; it is written in per cent, and its differences in points."""


@dataclass(frozen=True)
class Measure:
    """A number with its 95-per-cent interval and what it is of; None where unknown. `n` questions, answers or judgments."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None

    @property
    def has_interval(self) -> bool:
        return self.low is not None and self.high is not None


@dataclass(frozen=True)
class Identity:
    """Who the model is; `provider` names the kind of its endpoint, never where it is. Prices are per million tokens."""

    pk: int
    name: str
    version: str
    vendor: str
    family: str
    stage: str
    precision: str
    licence: str
    description: str
    provider: str
    price_in: float | None
    price_out: float | None
    provenance: str


@dataclass(frozen=True)
class ScoreLine:
    """One measured number of one category ("" = the whole benchmark). `delta` is value − target, None without a target."""

    benchmark: str
    category: str
    metric: str
    value: float
    unit: str
    n: int | None
    target: float | None
    lower_is_better: bool
    source: str
    provenance: str
    low: float | None = None
    high: float | None = None

    @property
    def delta(self) -> float | None:
        return None if self.target is None else self.value - self.target

    @property
    def measure(self) -> Measure:
        return Measure(self.value, self.low, self.high, self.n)


@dataclass(frozen=True)
class Total:
    """The categories of one metric together, both ways; `delta` is that of the `basis`, on which value and target are both taken.

    `weighted_avg` is None where some category does not say its n. `target` is the benchmark's own where it has one, else the
    categories' targets averaged on the same basis; None where one is missing.
    """

    benchmark: str
    metric: str
    unit: str
    source: str
    lower_is_better: bool
    categories: int
    n: int | None
    avg: float
    weighted_avg: float | None
    basis: str
    target: float | None

    @property
    def value(self) -> float | None:
        """The total on its basis."""
        return self.avg if self.basis == AVERAGE else self.weighted_avg

    @property
    def delta(self) -> float | None:
        return None if self.value is None or self.target is None else self.value - self.target


@dataclass(frozen=True)
class ScoreGroup:
    """All scores of one benchmark, and what its categories come to, one total for each metric and source."""

    benchmark: str
    lines: tuple[ScoreLine, ...]
    totals: tuple[Total, ...]


@dataclass(frozen=True)
class RatedLine:
    """The model on one board of a benchmark's current snapshot; `category` "" is all categories. `level` of the interval, 0..1.

    Fewer judgments than `few` are preliminary. `inflation` is how much wider than of independent judgments the interval is, squared.
    """

    benchmark_pk: int
    benchmark: str
    benchmark_key: str
    category: str
    category_name: str
    source: str
    method: str
    rating: float | None
    low: float | None
    high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    n: int
    win_rate: float | None
    level: float
    few: int
    inflation: float | None
    snapshot: SnapshotLine

    @property
    def preliminary(self) -> bool:
        return self.n < self.few

    @property
    def measure(self) -> Measure:
        return Measure(self.rating, self.low, self.high, self.n)


@dataclass(frozen=True)
class SnapshotLine:
    """Where ratings come from."""

    pk: int
    benchmark: str
    digest: str
    code_version: str
    n: int
    at: datetime
    provenances: tuple[str, ...]


@dataclass(frozen=True)
class Timing:
    """Seconds, or tokens a second: the median with its interval, and the 95th percentile, of `n` timed answers."""

    median: float | None = None
    low: float | None = None
    high: float | None = None
    p95: float | None = None
    p95_low: float | None = None
    p95_high: float | None = None
    n: int = 0


@dataclass(frozen=True)
class SpeedLine:
    """How fast the model answered one benchmark; `answers` and `failed` count all, the timings the newest ones."""

    benchmark_pk: int
    benchmark: str
    benchmark_key: str
    answers: int
    failed: int
    first_token: Timing
    seconds: Timing
    per_second: Timing


@dataclass(frozen=True)
class SafetyLine:
    """A rate 0..1, or a number in the unit it was loaded with. `judge` is the rule that found it, "" where it was measured elsewhere."""

    benchmark: str
    category: str
    metric: str
    value: float
    unit: str
    low: float | None
    high: float | None
    n: int | None
    target: float | None
    lower_is_better: bool
    source: str
    provenance: str
    judge: str = ""

    @property
    def delta(self) -> float | None:
        return None if self.target is None else self.value - self.target

    @property
    def measure(self) -> Measure:
        return Measure(self.value, self.low, self.high, self.n)


@dataclass(frozen=True)
class Sibling:
    """Another version, stage or precision of the model, or one of its family."""

    pk: int
    name: str
    version: str
    stage: str
    precision: str


@dataclass(frozen=True)
class Report:
    """Everything known of one model at one moment."""

    model: Identity
    basis: str
    scores: tuple[ScoreGroup, ...]
    ratings: tuple[RatedLine, ...]
    speed: tuple[SpeedLine, ...]
    measured_speed: tuple[ScoreLine, ...]
    safety: tuple[SafetyLine, ...]
    siblings: tuple[Sibling, ...]
    made_at: datetime
    sampled: int = field(default=0)
    """How many of the newest answers the timings are of, at most."""

    @property
    def snapshots(self) -> tuple[SnapshotLine, ...]:
        return tuple(dict.fromkeys(line.snapshot for line in self.ratings))

    @property
    def provenances(self) -> tuple[str, ...]:
        """All that the numbers are of: real, imported, demo, dry_run."""
        scores = [line.provenance for group in self.scores for line in group.lines]
        scores += [line.provenance for line in (*self.measured_speed, *self.safety)]
        rated = [one for line in self.ratings for one in line.snapshot.provenances]
        return tuple(sorted({self.model.provenance, *scores, *rated}))

    def as_json(self) -> dict[str, Any]:
        """The report as plain data, with totals' values and deltas."""
        told = asdict(self)
        told["made_at"] = self.made_at.isoformat(timespec="seconds")
        for line in told["ratings"]:
            line["snapshot"]["at"] = line["snapshot"]["at"].isoformat(timespec="seconds")
        for group, data in zip(self.scores, told["scores"], strict=True):
            for part in ("lines", "totals"):
                for row, line in zip(getattr(group, part), data[part], strict=True):
                    line["delta"] = row.delta
        return told | {"provenances": list(self.provenances)}
