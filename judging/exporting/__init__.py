"""A run's votes out, in formats that others read: one module for each, one line in this table for each way of writing it.

Rows are read in batches and written as they come: a run of any size takes the memory of one batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from judging.exporting import argilla, content, dpo, label_studio, votes
from judging.exporting.base import CannotExport, Report, Wanted
from judging.models import Run

__all__ = ["FORMATS", "CannotExport", "Format", "Report", "Wanted", "formats_of"]


class Writer(Protocol):
    """The parts of a file, in order; what was left out goes to the report as it is met. May raise CannotExport at once."""

    def __call__(self, run: Run, wanted: Wanted, report: Report) -> Iterator[str]: ...


@dataclass(frozen=True)
class Format:
    """How a run is written, what it is called on pages, how the file's name ends, and its media type."""

    write: Writer
    title: Promise
    ending: str = ".jsonl"
    media_type: str = "application/jsonl"
    single: bool = True

    def suits(self, run: Run) -> bool:
        """Whether a run of this mode has anything to write in it."""
        return self.single or not run.is_single


FORMATS = {
    "votes": Format(votes.as_lines, _("votes, everything on record (JSON lines)")),
    "votes_csv": Format(votes.as_csv, _("votes, everything on record (CSV)"), ".csv", "text/csv"),
    "questions": Format(content.questions_as_lines, _("questions (JSON lines)")),
    "answers": Format(content.answers_as_lines, _("answers (JSON lines)")),
    "label_studio": Format(label_studio.as_tasks, _("Label Studio tasks"), ".json", "application/json"),
    "label_studio_config": Format(label_studio.as_config, _("Label Studio interface"), ".xml", "application/xml"),
    "argilla": Format(argilla.as_lines, _("Argilla records (JSON lines)")),
    "dpo": Format(dpo.as_texts, _("training pairs, plain texts (JSON lines)"), single=False),
    "dpo_messages": Format(dpo.as_messages, _("training pairs, messages (JSON lines)"), single=False),
}


def formats_of(run: Run) -> dict[str, Format]:
    """The formats that a run of this mode has something to write in."""
    return {name: form for name, form in FORMATS.items() if form.suits(run)}
