"""Label Studio's tasks and exports (JSON and JSON-MIN): questions, one answer or two of them, and what annotators said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arena.loading.label_studio_regions import Said, grade_of, preference_of, regions_of_min, said_by
from arena.loading.naming import Naming
from arena.loading.records import (
    JUDGMENTS,
    UNSTATED,
    AnswerRecord,
    Batch,
    GradeRecord,
    ModelRecord,
    QuestionRecord,
    Report,
    Row,
    VoteRecord,
    is_left_out,
    objects_of,
)
from arena.loading.rows import is_number, short
from arena.loading.said import said as _

QUESTION_FIELDS = ("prompt", "question", "instruction", "text")
PAIRS = (("text1", "text2"), ("answer_a", "answer_b"), ("response_a", "response_b"), ("answer1", "answer2"))
SINGLES = ("answer", "response", "output")
STARS = (1.0, 5.0)  # Label Studio's own, where a task does not tell its scale
LARGEST_SAMPLE = 32_767
PREDICTIONS = _("predictions are left out: they fill in a form before somebody looks at it, and are nobody's verdict")


@dataclass(frozen=True)
class Task:
    """A task as it is read: which question, which answers (by the data's fields), which models wrote them."""

    row: Row
    where: str
    data: Mapping[str, Any]
    key: str
    fields: tuple[str, ...]
    models: tuple[ModelRecord, ...]
    samples: tuple[int, ...]


def read(
    files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str, naming: Naming
) -> Batch:
    """Tasks with their annotations. Who answered is told by `model1`, `model2` (or `model_a`, `model`) of the task's data.

    Where it is not, the texts' own names stand for the two of a pair, and `model` for a single answer.
    """
    batch = Batch()
    for path in files:
        for row in objects_of(path, report):
            task = _task(row, model)
            if task is None:
                continue
            _add_told(task, batch, language)
            if task.fields and not is_left_out(row, JUDGMENTS, kinds):
                _add_said(task, batch)
    return batch


def _task(row: Row, model: ModelRecord | None) -> Task | None:
    """The task of a row; None and problems where it is none. JSON-MIN has the data's fields in the row itself."""
    where, data = ("data.", row.take("data", dict, default={})) if "data" in row.values else ("", row.values)
    told = data.get("question_key")
    key = str(told).strip() if isinstance(told, str) and told.strip() else row.key("id")
    fields = next((pair for pair in PAIRS if any(name in data for name in pair)), ())
    fields = fields or next(((name,) for name in SINGLES if name in data), ())
    good = True
    for name in fields:
        if not isinstance(data.get(name), str):
            row.problem(f"{where}{name}", _("is missing or is not text"))
            good = False
    if not _question(data):
        row.problem(
            "data" if where else "",
            _("has no question; it is looked for in %(known)s", known=", ".join(QUESTION_FIELDS)),
        )
        return None
    samples = tuple(_whole(row, where, data, "sample" + _suffix(name)) for name in fields)
    models = _models(row, where, data, fields, model) if good else ()
    return Task(row, where, data, key, fields, models, samples) if good else None


def _question(data: Mapping[str, Any]) -> str:
    return next((data[name] for name in QUESTION_FIELDS if isinstance(data.get(name), str) and data[name].strip()), "")


def _suffix(field: str) -> str:
    """What the data's fields about one answer end in: "1" of text1, "_b" of answer_b, nothing of answer."""
    return next((end for end in ("1", "2", "_a", "_b") if field.endswith(end)), "")


def _models(
    row: Row, where: str, data: Mapping[str, Any], fields: Sequence[str], model: ModelRecord | None
) -> tuple[ModelRecord, ...]:
    told = [_text(data, "model" + _suffix(name)) for name in fields]
    if len(fields) == 1 and (model or not told[0]):
        if not model:
            row.problem(f"{where}model", _("is missing: who answered? --model says it for the whole file"))
        return (model or ModelRecord(UNSTATED),)
    versions = [_text(data, "version" + _suffix(name)) or UNSTATED for name in fields]
    vendors = [_text(data, "vendor" + _suffix(name)) or UNSTATED for name in fields]
    if not all(told) or len(set(zip(told, versions, strict=True))) < len(fields):
        return tuple(map(ModelRecord, fields))
    return tuple(map(ModelRecord, told, versions, vendors))


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value.strip() if isinstance(value, str) else ""


def _whole(row: Row, where: str, told: Mapping[str, Any], name: str) -> int:
    """A whole number from 0, which a missing one is; a problem where it is something else."""
    value = told.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SAMPLE:
        row.problem(
            f"{where}{name}",
            _(
                "is %(value)s, not a whole number from 0 to %(most)s",
                value=short(value),
                most=LARGEST_SAMPLE,
            ),
        )
        return 0
    return value


def _turns(task: Task, name: str, text: str) -> list[str]:
    """The turns that the data tell besides the text of a field, or the text as the only one; a problem if they are none."""
    turns = task.data.get(name)
    if turns is None:
        return [text]
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, str) for turn in turns):
        task.row.problem(f"{task.where}{name}", _("is not a list of texts"))
        return [text]
    return turns


def _add_told(task: Task, batch: Batch, language: str) -> None:
    """Add the question, told along with its answers where there are any, and these."""
    data, row, is_judged = task.data, task.row, bool(task.fields)
    turns = _turns(task, "question_turns", _question(data))
    system = data["system"] if isinstance(data.get("system"), str) else ""
    where = (task.key, _text(data, "category") or UNSTATED, turns, _text(data, "language") or language, system)
    batch.questions.append(QuestionRecord(row, *where, implied=is_judged))
    for field, model, sample in zip(task.fields, task.models, task.samples, strict=True):
        said = _turns(task, f"{field}_turns", data[field])
        batch.answers.append(AnswerRecord(row, task.key, model, said, sample, may_be_empty=True, implied=True))


def _add_said(task: Task, batch: Batch) -> None:
    """Add what annotators said. Cancelled annotations are left out and counted, and what machines predicted."""
    predicted = task.row.values.get("predictions")
    if isinstance(predicted, list) and predicted:
        task.row.report.counts["predictions left out"] += len(predicted)
        task.row.report.note(_("%(file)s: %(note)s", file=task.row.file.name, note=PREDICTIONS))
    for place, said in _annotations(task):
        if not isinstance(said, dict):
            task.row.problem(place, _("is not an object"))
            continue
        if said.get("was_cancelled"):
            task.row.report.counts["cancelled annotations left out"] += 1
            continue
        found = said_by(task.row, place, said)
        record = (_vote if len(task.fields) == 2 else _grade)(task, place, said, found)
        if record:
            (batch.votes if isinstance(record, VoteRecord) else batch.grades).append(record)


def _annotations(task: Task) -> list[tuple[str, Any]]:
    """The annotations with their places; a row of JSON-MIN is one itself, or none if nobody is named."""
    row = task.row
    if task.where:
        listed = row.take("annotations", list, required=False, default=[])
        return [(f"annotations[{number}]", annotation) for number, annotation in enumerate(listed)]
    if "annotator" not in row.values:
        return []
    told = {name: row.values.get(name) for name in ("lead_time", "created_at")}
    return [("", {**told, "completed_by": row.values["annotator"], "result": regions_of_min(row.values)})]


def _vote(task: Task, place: str, said: Mapping[str, Any], found: Said) -> VoteRecord | None:
    """A person's verdict on the two answers, in the order that this person was shown them."""
    verdict = preference_of(task.row, place, said.get("result"))
    own = _own(task.row, place, said)
    if verdict is None or not found.who:
        return None
    (first, second), (one, other) = task.models, task.samples
    value = verdict.value
    if own["swapped"]:
        first, second, one, other, value = second, first, other, one, -value if value else value
    return VoteRecord(
        task.row,
        task.key,
        first.name,
        second.name,
        value,
        found.who,
        is_person=True,
        both_bad=verdict.both_bad,
        turn=own["turn"],
        trial=own["trial"],
        sample_first=one,
        sample_second=other,
        version_first=first.version,
        version_second=second.version,
        extra=found.extra,
        told_in=verdict.told_in,
    )


def _grade(task: Task, place: str, said: Mapping[str, Any], found: Said) -> GradeRecord | None:
    """A person's mark for the one answer, with the marks on its dimensions."""
    verdict = grade_of(task.row, place, said.get("result"))
    own = _own(task.row, place, said)
    if verdict is None or not found.who:
        return None
    scale = tuple(task.data.get(end) for end in ("lowest", "highest"))
    if not all(map(is_number, scale)):
        if not verdict.is_stars:
            task.row.problem(f"{task.where}lowest", _("and highest are missing: a number has no scale without them"))
            return None
        scale = STARS
    if not scale[0] < scale[1]:
        task.row.problem(f"{task.where}lowest", _("is not below highest"))
        return None
    (model,), (sample,) = task.models, task.samples
    return GradeRecord(
        task.row,
        task.key,
        model.name,
        verdict.score,
        found.who,
        is_person=True,
        lowest=float(scale[0]),
        highest=float(scale[1]),
        scores=verdict.scores,
        turn=own["turn"],
        trial=own["trial"],
        sample=sample,
        version=model.version,
        extra=found.extra,
        told_in=verdict.told_in,
    )


def _own(row: Row, place: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What our own export tells of a vote besides: the turn, the trial, whether the sides were swapped."""
    told = said.get("juryroom", {})
    where = f"{place}.juryroom"
    if not isinstance(told, dict):
        row.problem(where, _("is not an object"))
        told = {}
    swapped = told.get("swapped", False)
    if not isinstance(swapped, bool):
        row.problem(f"{where}.swapped", _("is not true or false"))
    return {"swapped": swapped is True, **{name: _whole(row, f"{where}.", told, name) for name in ("turn", "trial")}}
