"""What an uploaded file holds once it is read: records of questions, answers and judgments, or a table of scores.

Both can tell what they hold, count what writing them would do, and write themselves.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.db import transaction

from arena.loading import FORMATS, BadInput, Batch, ModelRecord, Naming, Problem, Report, write
from arena.loading.partners import partners_in
from arena.loading.records import KIND_NAMES, UNSTATED
from arena.loading.said import Said, listed
from arena.loading.said import said as _
from arena.loading.writing import Target
from arena.models import Category, LanguageModel, Upload, storable
from judging.importing import write_rubrics, write_votes
from judging.judges.rules import validate_check
from rating import guessing, upload_samples
from rating.guessing import SCORES
from rating.score_files import LEFT_OUT, BadScores, ScoreRow, read_scores, write_scores

NAMED = 100  # models and categories that are told by name
PLACE = re.compile(r"(?P<file>.*), line (?P<line>\d+)(?:, (?P<field>\w+))?: .*", re.DOTALL)


class Contents(Protocol):
    """What a file holds. `is_countable`: what writing it would do can be counted without writing it."""

    is_countable: bool

    def holds(self) -> tuple[str, ...]:
        """The kinds of things in it, in the order in which files are loaded."""

    def told(self) -> dict:
        """What it holds in a few numbers, names and first rows, for a report. Queries that do not grow with it."""

    def count(self, report: Report) -> None:
        """Put into the report what writing it would do. Raises BadInput with all that is wrong."""

    def write(self, report: Report) -> None:
        """Write it, in the caller's transaction. Raises BadInput with all that is wrong."""


def read(upload: Upload, report: Report) -> Contents:
    """What the file holds, as its row says it is read; problems go to the report. Raises BadInput for what cannot be read."""
    path = Path(upload.file.path)
    if reason := guessing.why_not_text(path):
        _refuse(report, Problem(str(path), 0, "", reason))
    return _scores(upload, path, report) if upload.format == SCORES else _records(upload, path, report)


def _refuse(report: Report, *problems: Problem) -> None:
    report.problems += problems
    raise BadInput(report)


def _records(upload: Upload, path: Path, report: Report) -> Records:
    form, about = FORMATS[upload.format], upload.options
    if upload.kind and upload.kind not in form.kinds:
        reason = _(
            "%(format)s files hold no %(kind)s that we can read; they hold %(known)s",
            format=upload.format,
            kind=KIND_NAMES[upload.kind],
            known=listed([KIND_NAMES[kind] for kind in form.kinds]),
        )
        _refuse(report, Problem(str(path), 0, "", reason))
    model = None
    if about.get("model"):
        model = ModelRecord(about["model"], about.get("model_version") or UNSTATED, about.get("vendor") or UNSTATED)
    kinds = (upload.kind,) if upload.kind else form.kinds
    naming = Naming(about.get("judge", ""), about.get("subset", ""), upload.name, _beside(upload))
    target = Target(about.get("benchmark", ""), about.get("benchmark_version") or "1", title_en=about.get("title", ""))
    told = {"model": model, "language": about.get("language") or "en", "naming": naming}
    batch = form([path], report, kinds=kinds, partners=partners_in(target.name, target.version), **told)
    if not guessing.holds(batch) and not report.problems:
        _refuse(
            report,
            Problem(
                str(path),
                0,
                "",
                _("holds nothing that is read as %(format)s; is it of another format?", format=upload.format),
            ),
        )
    return Records(batch, target)


def _beside(upload: Upload) -> tuple[str, ...]:
    """The names of the other files of the same go and format, but those that have faults. One query, where it matters."""
    group = upload.options.get("group")
    if not (group and FORMATS[upload.format].is_alone):
        return ()
    others = Upload.objects.filter(options__group=group, format=upload.format).exclude(pk=upload.pk)
    return tuple(others.exclude(status=Upload.Status.REFUSED).values_list("name", flat=True))


@dataclass
class Records:
    """Questions, answers, judgments and judge prompts for one benchmark."""

    batch: Batch
    target: Target

    @property
    def is_countable(self) -> bool:
        return not (self.batch.votes or self.batch.grades or self.batch.rubrics)

    def holds(self) -> tuple[str, ...]:
        return guessing.holds(self.batch)

    def told(self) -> dict:
        batch = self.batch
        answered = Counter(record.model for record in batch.answers if record.published)
        models = answered.most_common(NAMED)
        names = [model.name for model, _n in models]
        there = set(LanguageModel.objects.filter(name__in=names).values_list("name", "version"))
        keys = sorted({storable(record.category) for record in batch.questions if record.category})[:NAMED]
        known = set(Category.objects.filter(key__in=keys).values_list("key", flat=True))
        judged = Counter(record.judge for record in (*batch.votes, *batch.grades))
        return {
            "models": [
                {**_who(model), "answers": n, "is_new": (model.name, model.version) not in there} for model, n in models
            ],
            "more_models": max(len(answered) - NAMED, 0),
            "new_categories": [key for key in keys if key not in known],
            "judges": [{"name": storable(name), "n": n} for name, n in judged.most_common(NAMED)],
            "sample": upload_samples.of(batch),
        }

    def count(self, report: Report) -> None:
        write(self.batch, self.target, report, check_problems=validate_check, dry=True)

    def write(self, report: Report) -> None:
        batch = self.batch
        if batch.needs_benchmark:
            write_votes(batch, write(batch, self.target, report, check_problems=validate_check), report)
        if report.problems:
            raise BadInput(report)
        write_rubrics(batch.rubrics, report)


def _who(model: ModelRecord) -> dict:
    return {name: storable(getattr(model, name)) for name in ("name", "version", "vendor")}


def _scores(upload: Upload, path: Path, report: Report) -> Scores:
    try:
        return Scores(read_scores(path, benchmark=upload.options.get("benchmark", "")))
    except BadScores as error:
        _refuse(report, *(_problem(text) for text in error.problems))


def _problem(text: str) -> Problem:
    """A sentence about a score, "file, line 3, value: is empty", by its parts."""
    found, message = PLACE.fullmatch(text), text.values.get("message", text) if isinstance(text, Said) else text
    if found is None:
        return Problem("", 0, "", message)
    return Problem(found["file"], int(found["line"]), found["field"] or "", message)


@dataclass
class Scores:
    """A table of scores measured elsewhere, of models that are there."""

    rows: list[ScoreRow]
    is_countable: bool = False

    def holds(self) -> tuple[str, ...]:
        return (SCORES,)

    def told(self) -> dict:
        return {"sample": upload_samples.of_scores(self.rows)}

    def count(self, report: Report) -> None:
        with transaction.atomic():
            self.write(report)
            transaction.set_rollback(True)

    def write(self, report: Report) -> None:
        try:
            written = write_scores(self.rows)
        except BadScores as error:
            _refuse(report, *(_problem(text) for text in error.problems))
        report.counts["rows read"] += len(self.rows)
        report.counts["new scores"] += written.new
        report.counts["changed scores"] += written.changed
        report.counts["scores already there"] += written.same
        report.counts[LEFT_OUT] += written.left_out
