"""Published files in: one module for each format, one line for each in this table.

Reading checks everything first and collects every problem; writing comes after, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from arena.loading import (
    alpaca_eval,
    arena,
    arena_hard,
    auto_j,
    evalscope,
    faireval,
    label_studio,
    llmbar,
    llmuses,
    mt_bench,
    opencompass,
    own,
    pandalm,
)
from arena.loading.naming import Naming
from arena.loading.partners import Partners, nobody
from arena.loading.records import (
    ANSWERS,
    JUDGMENTS,
    KIND_NAMES,
    KINDS,
    PROMPTS,
    QUESTIONS,
    BadInput,
    Batch,
    ModelRecord,
    Problem,
    Report,
    files_of,
)
from arena.loading.said import either
from arena.loading.said import said as _
from arena.loading.writing import write


class Reader(Protocol):
    """Reads files of one format: all they hold that is of these kinds, every problem noted in the report."""

    def __call__(
        self,
        files: list[Path],
        report: Report,
        *,
        kinds: Sequence[str],
        model: ModelRecord | None,
        language: str,
        naming: Naming,
    ) -> Batch: ...


class JoiningReader(Protocol):
    """A Reader of files whose verdicts may be about pairs that are in none of them: then `partners` has the pairs."""

    def __call__(
        self,
        files: list[Path],
        report: Report,
        *,
        kinds: Sequence[str],
        model: ModelRecord | None,
        language: str,
        naming: Naming,
        partners: Partners,
    ) -> Batch: ...


@dataclass(frozen=True)
class Format:
    """A published format: how it is read, the kinds of things it has, how its files' names end, and how a text of
    verdicts without their pairs begins, in a format that joins these to pairs that were loaded before."""

    read: Reader | JoiningReader
    kinds: tuple[str, ...]
    endings: tuple[str, ...] = (".jsonl",)
    is_alone: Callable[[str], bool] | None = None

    def __call__(
        self,
        paths: list[Path],
        report: Report,
        *,
        kinds: Sequence[str] = (QUESTIONS, ANSWERS),
        model: ModelRecord | None = None,
        language: str = "en",
        naming: Naming | None = None,
        partners: Partners = nobody,
    ) -> Batch:
        """What these files and folders hold of these kinds; the rest is counted in the report as left out.

        `model` answered, whatever the files say; `language` is that of questions that do not say theirs. `naming` says
        what the names of files and folders do not tell; `partners`, what is there already that verdicts may be about.
        """
        files = files_of(paths, report, endings=self.endings)
        told: dict[str, Any] = {"model": model, "language": language, "naming": naming or Naming()}
        if self.is_alone:
            told["partners"] = partners
        batch = self.read(files, report, kinds=kinds, **told)
        if not (batch or report.counts or report.problems):
            report.problems += [Problem(str(path), 0, "", _("holds no rows")) for path in paths]
        batch = batch.keep(kinds, report)
        if not (batch or report.problems):
            report.note(
                _(
                    "nothing in these files is of %(known)s: there is nothing to load",
                    known=either([KIND_NAMES[kind] for kind in kinds]),
                )
            )
        return batch


JUDGED = (QUESTIONS, ANSWERS, JUDGMENTS)
JSON = (".jsonl", ".json", ".jsonl.gz", ".json.gz")

FORMATS = {
    "juryroom": Format(own.read, JUDGED, (".jsonl", ".csv")),
    "mt_bench": Format(mt_bench.read, KINDS, (".jsonl", ".jsonl.gz")),
    "llmuses": Format(llmuses.read, KINDS, (".jsonl", ".jsonl.gz")),
    "arena": Format(arena.read, JUDGED, JSON),
    "arena_hard": Format(arena_hard.read, JUDGED, (".jsonl", ".jsonl.gz")),
    "alpaca_eval": Format(alpaca_eval.read, JUDGED, (".json", ".json.gz")),
    "auto_j": Format(auto_j.read, JUDGED, (".jsonl",), is_alone=auto_j.is_alone),
    "pandalm": Format(pandalm.read, JUDGED, (".json", ".jsonl"), is_alone=pandalm.is_alone),
    "llmbar": Format(llmbar.read, JUDGED, (".json",)),
    "opencompass": Format(opencompass.read, JUDGED, (".json", ".jsonl")),
    "evalscope": Format(evalscope.read, JUDGED, (".jsonl",)),
    "label_studio": Format(label_studio.read, JUDGED, (".json",)),
    "faireval": Format(faireval.read, JUDGED, (".jsonl", ".txt"), is_alone=faireval.is_alone),
}

__all__ = [
    "ANSWERS",
    "FORMATS",
    "JUDGMENTS",
    "PROMPTS",
    "QUESTIONS",
    "BadInput",
    "Batch",
    "Format",
    "ModelRecord",
    "Naming",
    "Problem",
    "Report",
    "write",
]
