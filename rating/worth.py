"""What each machine judge of a benchmark is worth, shaped for reading: whether it is trusted where, and its health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from arena.models import Benchmark, Category
from judging.models import Judge
from rating.boards import ALL, FEW, Board, key_of, latest, ordered
from rating.models import Agreement, Health, Rating, Snapshot
from rating.sureness import Sureness
from rating.trust import DECIDING, Reason, Standing, standing
from rating.words import REASONS, in_words

PAIRS, MARKS = Agreement.Kind.PREFERENCE, Agreement.Kind.GRADE
PEOPLE, PEOPLE_JUDGE, FLIPS, FIRST_SLOT = "people", "people_judge", "flips", "first_slot"
RELATIONS = (PEOPLE, PEOPLE_JUDGE, FLIPS, FIRST_SLOT)
OF_PAIRS = ("longer", "markdown", "own_family", "verdicts", "confidence")  # what health tells of pairs alone
SHOWN = (
    _("first, much better"), _("first"), _("neither"), _("second"), _("second, much better"),
)  # fmt: skip
"""Names of the five verdicts on a pair as it was shown, in the order of `told["verdicts"]`."""
WORDS_FIRST = (Standing.NOT, Standing.FEW, Standing.TRUSTED)
SHARE = ("n", "share", "low", "high")
MEASURED = (
    "n", "raw", "raw_decided", "alpha", "low", "high", "difference", "difference_low", "difference_high", "difference_n",
    "note",
)  # fmt: skip

Where = tuple[int, str, int | None]
"""Snapshot, kind and category."""
Place = tuple[int, str, int | None, int]
"""The same and a judge."""


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram: what it counts, how often, and its length from 0 to 100."""

    name: Any
    n: int
    share: float
    width: str


@dataclass(frozen=True)
class Worth:
    """One judge on pairs or on scores in one category (None = all): agreement beside people's own, order, health.

    `told` is the judge's health there, see `rating.health`; what is not known is None, or missing in it.
    """

    snapshot_id: int
    judge: Judge
    category: Category | None
    kind: str
    told: Mapping[str, Any]
    people: Agreement | None = None
    ceiling: Agreement | None = None
    flips: Agreement | None = None
    first_slot: Agreement | None = None
    then: str = ""

    @property
    def name(self) -> str:
        """What the judge was called when the snapshot was taken; today's name where that was not kept."""
        return self.then or str(self.judge)

    @cached_property
    def _decided(self) -> tuple[Standing, list[Reason]]:
        return standing(self.people, self.ceiling, self.flips, self.told)

    @property
    def standing(self) -> Standing:
        return self._decided[0]

    @property
    def reasons(self) -> list[Reason]:
        return self._decided[1]

    @property
    def why(self) -> list[Reason]:
        """The reasons that decided, or that keep it from being decided."""
        return [one for one in self.reasons if one in DECIDING or one in (Reason.CLOSE, Reason.UNSURE, Reason.FEW)]

    @property
    def beware(self) -> list[Reason]:
        """What else is to be known: leanings and drift."""
        return [one for one in self.reasons if one not in self.why]

    @property
    def is_trusted(self) -> bool:
        return self.standing == Standing.TRUSTED

    @property
    def is_not(self) -> bool:
        return self.standing == Standing.NOT

    @property
    def is_open(self) -> bool:
        return self.standing == Standing.FEW

    @property
    def what(self) -> Any:
        return Agreement.Kind(self.kind).label

    @property
    def mute(self) -> Mapping[str, Any] | None:
        return self.told.get("failures", {}).get("mute")

    @property
    def failures(self) -> list[tuple[Any, Mapping[str, Any]]]:
        """Each way to fail in words, with its share of all tries; those that never happened are left out."""
        told = self.told.get("failures", {})
        return [(REASONS[name], told[name]) for name in FAILURES[1:] if told.get(name, {}).get("share")]

    @property
    def spent(self) -> Mapping[str, Any]:
        return self.told.get("spent", {})

    @property
    def per_thousand(self) -> float | None:
        """What a thousand verdicts cost, with the calls that failed; None where there is no price or no verdict."""
        return 1000 * self.spent["cost"] / self.spent["verdicts"] if self._is_priced else None

    @property
    def _is_priced(self) -> bool:
        return bool(self.spent.get("priced") and self.spent["verdicts"])

    @property
    def seconds(self) -> float | None:
        """The mean seconds of a judgment that asked a model."""
        return self.spent["seconds"] / self.spent["timed"] if self.spent.get("timed") else None

    @property
    def cached(self) -> float | None:
        """The share of judgments that repeat an earlier reply; None where no run asked."""
        is_asked = self.spent.get("asked") or self.spent.get("cached")
        return self.spent["cached"] / self.spent["judgments"] if is_asked else None

    @property
    def drift_note(self) -> str:
        return in_words(self.told.get("drift", {}).get("note", ""))

    @property
    def alternative_note(self) -> str:
        return in_words(self.told.get("alternative", {}).get("note", ""))

    @cached_property
    def sureness(self) -> Sureness | None:
        """What its confidence is worth; None where nothing tells how sure it is."""
        told = self.told.get("confidence")
        return Sureness(told) if told else None

    @property
    def bars(self) -> list[Bar]:
        """The histogram of verdicts or of scores; empty where there is none."""
        if "verdicts" in self.told:
            return _bars(zip(SHOWN, self.told["verdicts"], strict=True))
        return _bars((_step(step), step["n"]) for step in self.told.get("scores", ()))

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data; category None is "all", what is not known is null or missing."""
        return {
            "judge": self.name,
            "category": key_of(self.category),
            "kind": str(self.kind),
            "standing": self.standing.value,
            "reasons": [one.value for one in self.reasons],
            PEOPLE_JUDGE: _measured(self.people),
            PEOPLE: _measured(self.ceiling),
            FLIPS: _share(self.flips),
            FIRST_SLOT: _share(self.first_slot),
            **self.told,
        }

    def flat(self) -> dict[str, Any]:
        """What matters most of the same in one row of HEAD's columns."""
        told = self.as_json()
        row = {name: told[name] for name in ("judge", "category", "kind", "standing")}
        row["reasons"] = " ".join(told["reasons"])
        for name, keys in COLUMNS.items():
            part = told.get("failures", {}).get(name) if name in FAILURES else told.get(name)
            row |= {f"{name}_{key}": (part or {}).get(key) for key in keys}
        rates = {"cost_per_1000": self.per_thousand, "seconds_each": self.seconds, "cached_share": self.cached}
        row["confidence_levels"] = self.sureness.as_text() if self.sureness else None
        return row | {"judgments": self.spent.get("judgments"), **rates}


FAILURES = ("mute", "parse_error", "truncated", "refused", "api_error", "skipped")
LEANING = (*SHARE, "theirs", "difference", "difference_low", "difference_high")
CONFIDENCE = (
    "basis", "word", *SHARE, "questions", "rank", "rank_low", "rank_high", "sure", "gap", "gap_low", "gap_high", "ece",
    "ece_low", "ece_high",
)  # fmt: skip
COLUMNS: dict[str, tuple[str, ...]] = {
    PEOPLE_JUDGE: MEASURED[:-1],
    PEOPLE: MEASURED[:6],
    FLIPS: SHARE,
    FIRST_SLOT: SHARE,
    **dict.fromkeys(FAILURES, SHARE),
    **dict.fromkeys(OF_PAIRS[:3], LEANING),
    "alternative": ("winning_rate", "advantage", "verdict", "people"),
    "drift": ("difference", "low", "high", "items", "note", "since"),
    "confidence": CONFIDENCE,
}
HEAD = (
    "judge", "category", "kind", "standing", "reasons",
    *(f"{name}_{key}" for name, keys in COLUMNS.items() for key in keys),
    "confidence_levels", "judgments", "cost_per_1000", "seconds_each", "cached_share",
)  # fmt: skip
"""Columns of `Worth.flat`, in their order."""


@dataclass(frozen=True)
class Row:
    """One judge in the table of categories: the cells stand in the order of the categories, None where it judged nothing."""

    judge: Judge
    name: str
    what: Any
    cells: list[Worth | None]


@dataclass(frozen=True)
class Panel:
    """All judges of one snapshot: `rows` over all categories, in which some are not trusted first; then by category."""

    benchmark: Benchmark
    snapshot: Snapshot | None
    worths: list[Worth]

    @cached_property
    def rows(self) -> list[Worth]:
        return by_standing(one for one in self.worths if one.category is None)

    @cached_property
    def categories(self) -> list[Category]:
        return list({one.category.pk: one.category for one in self.worths if one.category}.values())

    @property
    def table(self) -> list[Row]:
        found = {(one.judge.pk, one.kind, one.category and one.category.pk): one for one in self.worths}
        return [
            Row(
                one.judge,
                one.name,
                one.what,
                [found.get((one.judge.pk, one.kind, kind.pk)) for kind in self.categories],
            )
            for one in self.rows
        ]

    @property
    def has_two_kinds(self) -> bool:
        return len({one.kind for one in self.worths}) > 1

    @property
    def counts(self) -> list[tuple[Standing, int]]:
        """How many rows stand in each way, those there are."""
        told = [(word, sum(one.standing == word for one in self.rows)) for word in reversed(WORDS_FIRST)]
        return [(word, n) for word, n in told if n]

    def as_json(self) -> dict[str, Any]:
        return {"benchmark": self.benchmark.name, "rows": [one.as_json() for one in self.worths]}


def by_standing(worths: Iterable[Worth]) -> list[Worth]:
    """Those not to be trusted first, as they matter most; then by name."""
    return sorted(worths, key=lambda one: (WORDS_FIRST.index(one.standing), str(one.judge), one.kind))


def judges(benchmark: Benchmark, *, snapshot: Snapshot | None = None) -> Panel:
    """What the machine judges of the benchmark are worth, from `snapshot` or else the latest. At most three queries."""
    snapshot = snapshot or latest(benchmark)
    if snapshot is None:
        return Panel(benchmark, None, [])
    told = _with_names(snapshot.health.all())
    found = worths(told, ordered(snapshot.agreements.filter(relation__in=RELATIONS)))
    return Panel(benchmark, snapshot, [replace(one, then=snapshot.judges.get(str(one.judge.pk), "")) for one in found])


def counted(board: Board) -> list[Worth]:
    """The judges whose verdicts this board counts, in its category; those of no panel's members. At most two queries."""
    source = board.source
    if not board.rows or board.snapshot is None or source == Rating.PEOPLE:
        return []
    kind = MARKS if board.is_score else PAIRS
    where = {"category": board.category}
    healthy = _with_names(board.snapshot.health.filter(**where))
    if not healthy:
        return []
    found = worths(healthy, ordered(board.snapshot.agreements.filter(relation__in=RELATIONS[:3], kind=kind, **where)))
    one = source.removeprefix("judge:") if source not in (ALL, Rating.JUDGES, Rating.CALIBRATED) else None
    mine = (row for row in found if row.kind == kind and row.bars)
    return by_standing(
        row
        for row in mine
        if (board.snapshot.name_of(row.judge) == one if one is not None else not row.told.get("silent"))
    )


def of_judge(judge: Judge, snapshots: Iterable[int] | Any, agreements: Iterable[Agreement]) -> list[Worth]:
    """The judge in each of these snapshots, from its own rows and the people's of agreement. One query."""
    return worths(_with_names(Health.objects.filter(judge=judge, snapshot__in=snapshots)), agreements)


def _with_names(rows: Any) -> list[Health]:
    return list(
        rows.select_related("judge__model", "category").order_by(
            F("category__position").asc(nulls_first=True), "category", "pk"
        )
    )


def worths(health: Iterable[Health], agreements: Iterable[Agreement]) -> list[Worth]:
    """A row for every judge, category and kind of verdict that health tells of. No query."""
    people: dict[Where, Agreement] = {}
    of: dict[str, dict[Place, Agreement]] = {name: {} for name in RELATIONS[1:]}
    for row in agreements:
        where = row.snapshot_id, str(row.kind), row.category_id
        if row.relation == PEOPLE:
            people[where] = row
        elif row.relation in of and row.judge_id is not None:
            of[row.relation][(*where, row.judge_id)] = row
    found = []
    for row in health:
        for kind in _kinds(row.told):
            where = row.snapshot_id, str(kind), row.category_id
            place = (*where, row.judge_id)
            found.append(
                Worth(
                    snapshot_id=row.snapshot_id,
                    judge=row.judge,
                    category=row.category,
                    kind=kind,
                    told=_part(row.told, kind),
                    people=of[PEOPLE_JUDGE].get(place),
                    ceiling=people.get(where),
                    flips=of[FLIPS].get(place),
                    first_slot=of[FIRST_SLOT].get(place),
                )
            )
    return found


def _kinds(told: Mapping[str, Any]) -> list[str]:
    """What the judge gave: preferences, grades; where it gave nothing, pairs stand for its failures."""
    return [kind for kind, name in ((PAIRS, "verdicts"), (MARKS, "scores")) if name in told] or [PAIRS]


def _part(told: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What of a judge's health is of this kind of verdict."""
    foreign = {"scores"} if kind == PAIRS else {*OF_PAIRS}
    if kind == MARKS and "verdicts" in told:
        foreign.add("alternative")  # which is of the pairs where there are some
    return {name: value for name, value in told.items() if name not in foreign}


def _bars(counts: Iterable[tuple[Any, int]]) -> list[Bar]:
    counts = list(counts)
    total, most = sum(n for _, n in counts), max((n for _, n in counts), default=0)
    if not total:
        return []
    return [Bar(name, n, n / total, f"{100 * n / most:.1f}") for name, n in counts]


def _step(step: Mapping[str, float]) -> str:
    low, high = f"{step['from']:g}", f"{step['to']:g}"
    return low if low == high else f"{low}–{high}"


def _measured(row: Agreement | None) -> dict[str, Any] | None:
    return None if row is None else {name: getattr(row, name) for name in MEASURED}


def _share(row: Agreement | None) -> dict[str, Any] | None:
    return None if row is None else {"n": row.n, "share": row.raw, "low": row.low, "high": row.high}


def is_few(told: Mapping[str, Any] | None) -> bool:
    """Whether a share is of too few cases to be read."""
    return not told or told.get("n", 0) < FEW
