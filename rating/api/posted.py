"""What came of rows that were posted, and what was wrong with which of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ninja import Field, Schema
from ninja.responses import Status

from arena.loading import BadInput, Report
from arena.loading.records import Problem as Fault
from arena.loading.said import in_words, kept
from rating.api.problems import unusable

MOST_AT_ONCE = 500


class Posted(Schema):
    made: int = Field(description="rows that are new")
    already_there: int = Field(description="rows that were there before, with the same words")

    @classmethod
    def of(cls, made: int, sent: int) -> Status[Self]:
        """The answer to so many rows sent: 201 where any is new."""
        return Status(201 if made else 200, cls(made=made, already_there=sent - made))


@dataclass
class SentRow:
    """Where a record was sent, in place of a line in a file; what is wrong with it goes to the report."""

    name: str
    index: int
    report: Report

    @property
    def place(self) -> str:
        return f"{self.name}[{self.index}]"

    @property
    def line(self) -> int:
        return self.index

    def problem(self, field: str, message: str) -> None:
        self.report.problems.append(Fault(self.name, self.index, f"{self.place}.{field}", message))


def place_of(name: str, index: int, report: Report) -> SentRow:
    return SentRow(name, index, report)


def faults_of(bad: BadInput) -> list[tuple[str, str]]:
    """Field and sentence of everything that is wrong, in the language that is active."""
    return [(problem.field, in_words(kept(problem.message))) for problem in bad.report.problems]


def refusing_repeats(name: str, keys: Iterable[tuple]) -> None:
    """Raises Problem for two rows of one place: which of them is meant, nobody can say."""
    seen: dict[tuple, int] = {}
    faults = []
    for index, key in enumerate(keys):
        if key in seen:
            faults.append((f"{name}[{index}]", f"is for the same place as {name}[{seen[key]}]"))
        seen.setdefault(key, index)
    if faults:
        raise unusable(*faults)
