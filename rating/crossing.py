"""Any two judges of a snapshot in one table, how the verdicts of two fall together, and what each leans to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rating.confusions import PEOPLE, VALUES
from rating.models import Agreement, Health, Snapshot
from rating.trust import FEW
from rating.words import in_words

TABLE = "confusions"
PARTS = {Agreement.Kind.PREFERENCE: "pairs", Agreement.Kind.GRADE: "scores"}
SIDES = dict(
    zip(VALUES, (gettext_lazy("second answer"), gettext_lazy("neither"), gettext_lazy("first answer")), strict=True)
)


@dataclass(frozen=True)
class Who:
    """All people (id 0), a machine, or a single person, whose `name` is a number to those who may not know it."""

    pk: int
    name: str
    is_person: bool = False

    @property
    def is_linked(self) -> bool:
        return bool(self.pk) and not self.is_person


@dataclass(frozen=True)
class Cell:
    """Two judges: Cohen's κ with n items; `note` says why there is no κ; `has_table` whether their confusion is kept."""

    one: int
    other: int
    kappa: float | None
    n: int
    note: str = ""
    has_table: bool = False

    @property
    def is_few(self) -> bool:
        return self.n < FEW


@dataclass(frozen=True)
class Matrix:
    """Everybody with everybody; a cell is None where no item was judged by both, and on the diagonal but for people."""

    who: list[Who]
    rows: list[tuple[Who, list[Cell | None]]]
    left_out: int = 0


@dataclass(frozen=True)
class Confusion:
    """What `one` said (rows) where `other` said something (columns): counts, each with its share of all, 0..1."""

    one: Who
    other: Who
    values: list[Any]
    rows: list[tuple[Any, list[tuple[int, float, bool]], int]]
    totals: list[int]
    n: int
    share: float
    kappa: float | None

    @property
    def is_among_people(self) -> bool:
        return self.one.pk == self.other.pk == PEOPLE


def kept(snapshot: Snapshot) -> Mapping[str, Any]:
    """The tables kept with the snapshot; {} where it has none, as those taken by older code. One query."""
    row = snapshot.tables.filter(name=TABLE).first()
    return row.data if row else {}


@dataclass(frozen=True)
class Crossed:
    """The tables of one kind of verdict of a snapshot, and by what names its judges go for this reader."""

    told: Mapping[str, Any]
    names: Mapping[str, str]
    names_people: bool
    kind: str
    category: int | None

    @classmethod
    def of(
        cls,
        told: Mapping[str, Any],
        *,
        names: Mapping[str, str],
        kind: str,
        category: int | None,
        names_people: bool,
    ) -> Crossed:
        """`told` as `kept` has it; `names` by ids as texts."""
        return cls(told.get(PARTS.get(kind, ""), {}), names, names_people, kind, category)

    def who(self, pk: int) -> Who:
        if pk == PEOPLE:
            return Who(PEOPLE, _("people"), is_person=True)
        people = self.told.get("people", [])
        if pk in people and not self.names_people:
            return Who(pk, _("person %(number)d") % {"number": people.index(pk) + 1}, is_person=True)
        return Who(pk, self.names.get(str(pk), str(pk)), is_person=pk in people)

    def matrix(self, rows: Iterable[Agreement]) -> Matrix | None:
        """All judges beside each other, from these rows of agreement and the tables; None where there are no two."""
        cells = {(one, other): cell for one, other, cell in self._of_tables()}
        for row in rows:
            if row.kind != self.kind or row.category_id != self.category:
                continue
            if (pair := _pair(row)) is not None:  # the row says it as the other tables of the page do
                has_table = pair in cells or pair[::-1] in cells
                cells.pop(pair[::-1], None)
                cells[pair] = Cell(*pair, row.kappa, row.n, in_words(row.note), has_table)
        ids = list(dict.fromkeys(pk for pair in cells for pk in pair))
        people = self.told.get("people", [])
        ids.sort(key=lambda pk: (pk != PEOPLE, pk in people, people.index(pk) if pk in people else 0))
        if not any(one != other for one, other in cells):
            return None
        shown = [(self.who(one), [cells.get((one, other)) or cells.get((other, one)) for other in ids]) for one in ids]
        return Matrix([self.who(pk) for pk in ids], shown, self.told.get("left_out", 0))

    def _of_tables(self) -> Iterable[tuple[int, int, Cell]]:
        for one, other, category, n, _share, kappa, _counts in self.told.get("tables", []):
            if category == self.category:
                note = "" if kappa is not None else _("only one value used")
                yield one, other, Cell(one, other, kappa, n, note, has_table=True)

    def confusion(self, one: int, other: int) -> Confusion | None:
        """The verdicts of these two, as the reader asked, whichever way round they are kept; None where they are not."""
        for first, second, category, n, share, kappa, counts in self.told.get("tables", []):
            if category == self.category and {first, second} == {one, other} and (first == second) == (one == other):
                return self._confusion(one, other, counts, n, share, kappa, turned=(first, second) != (one, other))
        return None

    def _confusion(
        self, one: int, other: int, counts: list[int], n: int, share: float, kappa: float | None, *, turned: bool
    ) -> Confusion:
        size = len(self.told["values"])
        table = [counts[place * size : (place + 1) * size] for place in range(size)]
        if turned:
            table = [list(column) for column in zip(*table, strict=True)]
        total = sum(counts)
        values = [_value(value) for value in self.told["values"]]
        rows = [
            (value, [(count, count / total, i == j) for j, count in enumerate(row)], sum(row))
            for i, (value, row) in enumerate(zip(values, table, strict=True))
        ]
        totals = [sum(column) for column in zip(*table, strict=True)]
        return Confusion(self.who(one), self.who(other), values, rows, totals, n, share, kappa)

    def leanings(self, rows: Iterable[Agreement], health: Iterable[Health]) -> list[Leaning]:
        """What each machine judge and each single person takes over all categories; pairs alone have a position."""
        first = {row.judge_id: row for row in rows if row.relation == "first_slot" and row.category_id is None}
        found = [
            Leaning(
                self.who(one.judge_id),
                _of_row(first.get(one.judge_id)),
                one.told.get("longer"),
                one.told.get("own_family"),
            )
            for one in health
        ]
        for pk, *shares in self.told.get("habits", []):
            found.append(Leaning(self.who(pk), _of_list(shares[:4]), _of_list(shares[4:]), None))
        return [one for one in found if one.is_known]


@dataclass(frozen=True)
class Leaning:
    """How often one takes the answer shown first, the longer one, that of its own family; shares as plain data, or None."""

    who: Who
    first: Mapping[str, Any] | None
    longer: Mapping[str, Any] | None
    family: Mapping[str, Any] | None

    @property
    def shares(self) -> tuple[Mapping[str, Any] | None, ...]:
        return self.first, self.longer, self.family

    @property
    def is_known(self) -> bool:
        return any(told is not None and told.get("share") is not None for told in self.shares)


def _pair(row: Agreement) -> tuple[int, int] | None:
    """Between whom the row is, by ids; None for a judge with itself."""
    if row.relation == "people":
        return PEOPLE, PEOPLE
    if row.relation == "people_judge" and row.judge_id is not None:
        return PEOPLE, row.judge_id
    if row.relation == "judges" and row.judge_id is not None and row.other_id is not None:
        return row.judge_id, row.other_id
    return None


def _of_row(row: Agreement | None) -> dict[str, Any] | None:
    return None if row is None else {"share": row.raw, "low": row.low, "high": row.high, "n": row.n}


def _of_list(told: list[Any]) -> dict[str, Any] | None:
    return dict(zip(("n", "share", "low", "high"), told, strict=True)) if told and told[0] else None


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return SIDES[value]
    low, high = (f"{end:g}" for end in value)
    return low if low == high else f"{low}–{high}"
