"""Agreement shaped for reading: tables by relation, judges beside people, and what a judge is worth in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from arena.models import Category
from arena.withholding import without_secrets
from judging.models import Grade, Judge, KeptOut, Preference, Status
from rating.boards import Agreements, of_judge
from rating.models import Agreement, Health, Snapshot
from rating.seen import Seen
from rating.stats.agreement import ONE_UNIT, SKEWED
from rating.trust import FEW, Steadiness, Trust, steadiness, trust
from rating.words import in_words
from rating.worth import Worth
from rating.worth import of_judge as of_one

PEOPLE, PEOPLE_JUDGE, JUDGES, ORDERS, FLIPS, FIRST_SLOT = (
    "people", "people_judge", "judges", "orders", "flips", "first_slot",
)  # fmt: skip

ITSELF = (ORDERS, FLIPS, FIRST_SLOT)

Where = tuple[int, str, int | None]
"""Snapshot, kind and category: rows at the same place may be compared."""


@dataclass(frozen=True)
class Line:
    """One row of agreement with what the page says about it."""

    row: Agreement
    judge: Judge | None = None
    trust: Trust | None = None

    @property
    def note(self) -> str:
        return in_words(self.row.note)

    @property
    def is_few(self) -> bool:
        return self.row.n < FEW

    @property
    def wants_questions(self) -> bool:
        """Whether more questions are wanted: more items of the one there is would not help."""
        return self.row.note == ONE_UNIT

    @property
    def wanted(self) -> int:
        """How many more items until the number may be read."""
        return max(0, FEW - self.row.n)

    @property
    def is_skewed(self) -> bool:
        """Whether one value is so common that AC1 belongs beside α."""
        return (self.row.top_share or 0) > SKEWED

    @property
    def is_close(self) -> bool:
        return self.trust == Trust.CLOSE

    @property
    def is_below(self) -> bool:
        return self.trust == Trust.BELOW


@dataclass(frozen=True)
class Habit:
    """One judge with itself in one category (None = all): the same both ways round, flips, the first slot."""

    name: str
    judge: Judge | None
    category: Category | None
    orders: Line | None
    flips: Line | None
    first_slot: Line | None

    @property
    def shares(self) -> tuple[Line | None, Line | None, Line | None]:
        return self.orders, self.flips, self.first_slot

    @property
    def steadiness(self) -> Steadiness:
        return steadiness(self.flips.row if self.flips else None)

    @property
    def is_turning(self) -> bool:
        return self.steadiness == Steadiness.TURNING

    @property
    def is_decided_by_order(self) -> bool:
        """Whether its decision turns round in most battles."""
        return self.flips is not None and (self.flips.row.raw or 0) > 0.5


@dataclass(frozen=True)
class Page:
    """The agreement page's tables, each a list of lines, all categories first; `judges` and `habits` over all only."""

    people: list[Line]
    people_judge: list[tuple[str, Judge | None, list[Line]]]  # the judge's name then
    judges: list[Line]
    judges_by_category: list[Line]
    habits: list[Habit]
    habits_by_category: list[Habit]

    @property
    def is_empty(self) -> bool:
        return not any(
            (self.people, self.people_judge, self.judges, self.judges_by_category, self.habits, self.habits_by_category)
        )


FILTERS = ("category", "kind", "judge")
ALL = "all"


@dataclass(frozen=True)
class Filters:
    """What of a snapshot's agreement is shown: one category or "all" over all only, one kind of verdict, one judge; ""
    is any. What the snapshot does not hold is taken as any.
    """

    chosen: Mapping[str, str]
    categories: list[Category]
    kinds: list[str]
    judges: list[tuple[int, str]]

    @classmethod
    def of(cls, found: Agreements, asked: Mapping[str, str]) -> Filters:
        """No query."""
        categories = list({row.category_id: row.category for row in found.rows if row.category}.values())
        kinds = list(dict.fromkeys(str(row.kind) for row in found.rows))
        judges = {row.judge_id: _name_then(row, found.snapshot) for row in found.rows if row.judge_id}
        for row in found.rows:
            if row.other_id and row.other_id not in judges:  # one that is never named first
                told = row.judges.removeprefix(f"{row.judge}–")
                judges[row.other_id] = (found.snapshot.judges if found.snapshot else {}).get(str(row.other_id), told)
        known = {
            "category": {ALL, *(category.key for category in categories)},
            "kind": set(kinds),
            "judge": {str(pk) for pk in judges},
        }
        chosen = {name: value if value in known[name] else "" for name, value in asked.items()}
        return cls(chosen, categories, kinds, sorted(judges.items(), key=lambda one: one[1]))

    @property
    def is_any(self) -> bool:
        return not any(self.chosen.values())

    @property
    def category(self) -> Category | None:
        """The one category that is shown, None for all."""
        return next((one for one in self.categories if one.key == self.chosen["category"]), None)

    @property
    def matrix_kind(self) -> str:
        """The kind of verdict that judges are crossed on: the one chosen, else pairs where there are any."""
        return self.chosen["kind"] or (self.kinds[0] if self.kinds else str(Agreement.Kind.PREFERENCE))

    @property
    def kind_words(self) -> list[tuple[str, Any]]:
        return [(kind, Agreement.Kind(kind).label) for kind in self.kinds]

    def applied(self, found: Agreements) -> Agreements:
        """The rows that are left; people's own stay beside a judge, which is compared with them."""
        return Agreements(found.benchmark, found.snapshot, [row for row in found.rows if self._has(row)])

    def _has(self, row: Agreement) -> bool:
        category, kind, judge = (self.chosen[name] for name in FILTERS)
        if category == ALL and row.category_id is not None:
            return False
        if category not in ("", ALL) and (row.category is None or row.category.key != category):
            return False
        if kind and row.kind != kind:
            return False
        return not judge or row.relation == PEOPLE or judge in (str(row.judge_id), str(row.other_id))


def _name_then(row: Agreement, snapshot: Snapshot | None) -> str:
    """The judge's name when the snapshot was taken; today's where that was not kept."""
    return (snapshot.judges if snapshot else {}).get(str(row.judge_id), str(row.judge))


def page(found: Agreements) -> Page:
    """The tables of `found`. No query."""
    people = _by_place(found.of(PEOPLE))

    by_judge: dict[str, list[Line]] = {}
    for row in found.of(PEOPLE_JUDGE):
        by_judge.setdefault(row.judges, []).append(_beside(row, people))
    return Page(
        people=[Line(row) for row in found.of(PEOPLE)],
        people_judge=[(_own_name(rows[0].row, found), rows[0].judge, rows) for rows in by_judge.values()],
        judges=[Line(row) for row in found.of(JUDGES) if row.category is None],
        judges_by_category=[Line(row) for row in found.of(JUDGES) if row.category is not None],
        habits=_habits([row for row in found.of(*ITSELF) if row.category is None]),
        habits_by_category=_habits([row for row in found.of(*ITSELF) if row.category is not None]),
    )


def _own_name(row: Agreement, found: Agreements) -> str:
    return _name_then(row, found.snapshot) if row.judge else row.judges


def _habits(rows: list[Agreement]) -> list[Habit]:
    """One habit per judge and category from the rows of one snapshot, in their order."""
    grouped: dict[tuple[str, int | None], dict[str, Agreement]] = {}
    for row in rows:
        grouped.setdefault((row.judges, row.category_id), {})[row.relation] = row
    return [_habit(by_relation) for by_relation in grouped.values()]


def _habit(by_relation: dict[str, Agreement]) -> Habit:
    row = next(iter(by_relation.values()))
    shares = [Line(by_relation[relation]) if relation in by_relation else None for relation in ITSELF]
    return Habit(row.judges, row.judge, row.category, *shares)


def _by_place(rows: Iterable[Agreement]) -> dict[Where, Agreement]:
    return {_where(row): row for row in rows}


def _where(row: Agreement) -> Where:
    return row.snapshot_id, row.kind, row.category_id


def _beside(row: Agreement, people: dict[Where, Agreement]) -> Line:
    return Line(row, judge=row.judge, trust=trust(row, people.get(_where(row))))


@dataclass(frozen=True)
class Place:
    """What the newest snapshot of one benchmark says about a judge."""

    snapshot: Snapshot
    people: list[Line]
    habits: list[Habit]
    judges: list[Line]
    health: list[Worth]

    @property
    def key(self) -> str:
        """What makes ids on the page differ between benchmarks."""
        return str(self.snapshot.pk)

    @property
    def overall(self) -> Habit | None:
        """The judge with itself over all categories; None where it judged in one order only."""
        return next((habit for habit in self.habits if habit.category is None), None)

    @property
    def whole(self) -> list[Worth]:
        """Its health over all categories, on pairs and on scores."""
        return [row for row in self.health if row.category is None]

    @property
    def sure_categories(self) -> list[Worth]:
        """What its confidence is worth over all and in each category; empty where there is only one."""
        told = [row for row in self.health if row.sureness]
        return told if len(told) > 2 else []


def judge_page(judge: Judge, seen: Seen) -> dict[str, Any]:
    """Context of the judge's page, of the snapshots that the reader may see. Seven queries, however much it judged."""
    snapshots = {snapshot.pk: snapshot for snapshot in current(judge, seen)}
    rows = of_judge(judge, snapshots)
    among = list(Agreement.objects.filter(snapshot__in=snapshots, relation=PEOPLE)) if snapshots else []
    health = of_one(judge, snapshots, [*rows, *among]) if snapshots else []
    people = _by_place(among)
    places = [_place(snapshot, rows, people, health) for snapshot in snapshots.values()]
    provenances = {judge.provenance, *(kind for snapshot in snapshots.values() for kind in snapshot.provenances)}
    told = {"judge": judge, "is_held": bool(seen.held), "options": public_options(judge), "said": _said(judge)}
    return {**told, "places": places, "provenances": sorted(provenances)}


def current(judge: Judge, seen: Seen) -> list[Snapshot]:
    """The current snapshots that tell of this judge, with their benchmark, newest first. One query."""
    agrees = Agreement.objects.filter(Q(judge=judge) | Q(other=judge), snapshot=OuterRef("pk"))
    found = seen.current().filter(Exists(agrees) | Exists(Health.objects.filter(judge=judge, snapshot=OuterRef("pk"))))
    return list(found.select_related("leaderboard__benchmark").order_by("-pk"))


def _place(snapshot: Snapshot, rows: list[Agreement], people: dict[Where, Agreement], health: list[Worth]) -> Place:
    def of(*relations: str) -> list[Agreement]:
        return [row for row in rows if row.snapshot_id == snapshot.pk and row.relation in relations]

    return Place(
        snapshot=snapshot,
        people=[_beside(row, people) for row in of(PEOPLE_JUDGE)],
        habits=_habits(of(*ITSELF)),
        judges=[Line(row) for row in of(JUDGES)],
        health=[row for row in health if row.snapshot_id == snapshot.pk],
    )


def public_options(judge: Judge) -> list[tuple[str, Any]]:
    """The judge's options without anything that may hold a secret, however deep; options of options in one line of words."""
    return sorted((name, _in_line(value)) for name, value in without_secrets(judge.options).items())


def _in_line(value: Any) -> Any:
    return ", ".join(f"{name} {one}" for name, one in value.items()) if isinstance(value, dict) else value


def _said(judge: Judge) -> list[tuple[str, int]]:
    """How many judgments stand, by status, decided ones first, without those of asking again to see drift. Two queries."""
    counts: Counter[str] = Counter()
    for table in (Preference, Grade):
        rows = table.objects.current().filter(judge=judge).exclude(kept_out=KeptOut.AGAIN).order_by()
        counts.update(dict(rows.values_list("status").annotate(Count("pk"))))
    return [(status.label, counts[status]) for status in Status if counts[status]]
