"""From records to rows: everything is checked against the database first, then written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.db import transaction

from arena.loading.records import (
    AnswerRecord,
    BadInput,
    Batch,
    ModelRecord,
    QuestionRecord,
    ReferenceRecord,
    Report,
    Row,
)
from arena.loading.said import said as _
from arena.models import UNPUBLISHED, Answer, Benchmark, Category, LanguageModel, Provenance, Question

_R = TypeVar("_R", QuestionRecord, AnswerRecord)
CheckProblems = Callable[[dict], list[str]]
CHUNK = 500  # rows a query names, below SQLite's limit of variables


@dataclass(frozen=True)
class Target:
    """The benchmark to load into; made when it is not there."""

    name: str
    version: str = "1"
    title_en: str = ""
    title_zh: str = ""
    provenance: str = Provenance.IMPORTED


def write(
    batch: Batch, target: Target, report: Report, *, check_problems: CheckProblems = lambda check: [], dry: bool = False
) -> Benchmark | None:
    """Write the batch into the target benchmark; with `dry`, only report what would be written.

    Raises BadInput, with nothing written, when the report has any problem: from reading or from here. Loading the same
    files again changes nothing. One transaction.
    """
    benchmark = Benchmark.objects.filter(name=target.name, version=target.version).first()
    _join_references(batch)
    known = {question.key: question for question in benchmark.questions.select_related("category")} if benchmark else {}
    new_questions = _check_questions(batch, benchmark, known, report, check_problems)
    new_answers = _check_answers(batch, benchmark, known, report)
    if report.problems:
        raise BadInput(report)
    report.counts["new questions"] += len(new_questions)
    missing = sum(not record.published for record in new_answers)
    report.counts["new answers"] += len(new_answers) - missing
    if missing:
        report.counts["answers whose text was not published"] += missing
    learnt = _learnt(batch, known)
    if learnt:
        report.counts["of the questions already there, told more of now"] += len(learnt)
    if dry:
        return benchmark
    with transaction.atomic():
        benchmark = benchmark or Benchmark.objects.create(
            name=target.name,
            version=target.version,
            title_en=target.title_en,
            title_zh=target.title_zh,
            provenance=target.provenance,
        )
        _write_categories(batch)
        _write_questions(benchmark, new_questions)
        Question.objects.bulk_update(learnt, ["meta"], batch_size=CHUNK)
        _write_answers(benchmark, new_answers, provenance=target.provenance)
    return benchmark


def _join_references(batch: Batch) -> None:
    """Put references that came in files of their own to their questions, which must have come with them."""
    references: dict[str, ReferenceRecord] = {}
    asked = {record.key for record in batch.questions}
    by = {reference.question: reference.row.file for reference in reversed(batch.references)}
    for reference in batch.references:
        if by[reference.question] != reference.row.file:
            reference.row.report.counts["references of another judge left out"] += 1
            reference.row.report.note(
                _(
                    "%(file)s: a question has one reference here, that of %(name)s; --judge chooses another judge's",
                    file=reference.row.file.name,
                    name=by[reference.question].name,
                )
            )
        elif reference.question not in asked:
            reference.row.problem(
                "question_id", _("%(question)s is not among the questions loaded with it", question=reference.question)
            )
        elif reference.question in references:
            line = references[reference.question].row.line
            reference.row.problem(
                "question_id", _("%(question)s is a duplicate of line %(line)s", question=reference.question, line=line)
            )
        references.setdefault(reference.question, reference)
    batch.questions = [
        replace(record, reference=references[record.key].turns) if record.key in references else record
        for record in batch.questions
    ]


def _check_questions(
    batch: Batch, benchmark: Benchmark | None, known: dict[str, Question], report: Report, check_problems: CheckProblems
) -> list[QuestionRecord]:
    """The questions that are new; what is wrong with the others goes to the report."""
    seen: dict[str, QuestionRecord] = {}
    new = []
    for record in _implied_last(batch.questions):
        if not record.key:
            continue
        _check_length(record.row, "key", record.key, Question.key)
        _check_length(record.row, "category", record.category, Category.key)
        _check_length(record.row, "language", record.language, Question.language)
        if record.key in seen:
            _check_repeated(record, seen[record.key], record.key)
            continue
        seen[record.key] = record
        if len(record.reference) > len(record.turns):
            record.row.problem(
                "reference", _("has %(n)s texts for %(turns)s turns", n=len(record.reference), turns=len(record.turns))
            )
        for check in record.checks:
            for problem in check_problems(check):
                record.row.problem("checks", problem)
        if record.key not in known:
            if benchmark and benchmark.frozen_at:
                record.row.problem(
                    record.told_in,
                    _(
                        "%(key)s is new, and %(benchmark)s is frozen; load it as another version",
                        key=record.key,
                        benchmark=benchmark,
                    ),
                )
            new.append(record)
        elif record.implied and (not record.published or known[record.key].turns == record.turns):
            report.counts["questions already there"] += 1
        elif _facts(known[record.key]) != _facts_of(record):
            record.row.problem(
                record.told_in,
                _(
                    "%(key)s differs from the question already in %(benchmark)s; load it as another version",
                    key=record.key,
                    benchmark=benchmark,
                ),
            )
        else:
            report.counts["questions already there"] += 1
    return new


def _learnt(batch: Batch, known: dict[str, Question]) -> list[Question]:
    """The questions there, known since before all was kept that their files tell along with verdicts, with that in their `meta`.

    What verdicts in other files are joined by; nothing that is there changes.
    """
    told = {record.key: record.meta for record in batch.questions if record.implied and record.published}
    learnt = []
    for key in told.keys() & known.keys():
        if told[key].keys() - known[key].meta.keys():
            known[key].meta = {**told[key], **known[key].meta}
            learnt.append(known[key])
    return learnt


def _implied_last(records: Iterable[_R]) -> list[_R]:
    """The records in their order, those told along with verdicts after the others, and after these those without text."""
    return sorted(records, key=lambda record: (record.implied, not record.published))


def _check_repeated(record: QuestionRecord | AnswerRecord, first: Any, name: str) -> None:
    """A second record of one place is a problem, unless a verdict told along with it what the first says too."""
    if not record.implied:
        field = "question" if isinstance(record, AnswerRecord) else record.told_in
        is_here = first.row.file == record.row.file
        here = _("%(name)s is a duplicate of line %(line)s", name=name, line=first.row.line)
        record.row.problem(
            field, here if is_here else _("%(name)s is a duplicate of %(place)s", name=name, place=first.row.place)
        )
    elif record.published and record.turns != first.turns:
        record.row.problem(
            record.told_in, _("%(name)s has another text than in %(place)s", name=name, place=first.row.place)
        )


def _check_length(row: Row, name: str, text: str, column: Any) -> None:
    """SQLite keeps any text; PostgreSQL refuses what is longer than its column."""
    if len(text) > column.field.max_length:
        row.problem(
            name, _("is %(n)s characters long; at most %(most)s are kept", n=len(text), most=column.field.max_length)
        )


def _facts(question: Question) -> tuple:
    return (
        question.category.key,
        question.turns,
        question.language,
        question.system,
        question.reference,
        question.checks,
    )


def _facts_of(record: QuestionRecord) -> tuple:
    return (record.category, record.turns, record.language, record.system, record.reference, record.checks)


def _check_answers(
    batch: Batch, benchmark: Benchmark | None, known: dict[str, Question], report: Report
) -> list[AnswerRecord]:
    """The answers that are new; an answer to no question, or one of two, goes to the report."""
    turns = {key: len(question.turns) for key, question in known.items()}
    for record in reversed(_implied_last(batch.questions)):
        if record.published or record.key not in known:
            turns[record.key] = len(record.turns)
    there = _there(benchmark)
    told = set(there)
    seen: dict[tuple, AnswerRecord] = {}
    new = []
    for record in _implied_last(batch.answers):
        if not record.question or not record.turns:
            continue
        key = (record.question, record.model.name, record.model.version, record.sample)
        if key in seen:
            name = _("%(question)s by %(model)s", question=record.question, model=record.model.name)
            _check_repeated(record, seen[key], name)
            continue
        seen[key] = record
        told.add(key)
        if _is_new(record, turns, there.get(key), report):
            new.append(record)
    return new + _unpublished(batch, turns, told)


def _there(benchmark: Benchmark | None) -> dict[tuple[str, str, str, int], list[str]]:
    """The turns of the good answers of a benchmark, [] for one whose text was not published. One query."""
    kept = Answer.objects.filter(question__benchmark=benchmark, error__in=("", UNPUBLISHED)).order_by()
    names = ("question__key", "model__name", "model__version", "sample", "turns")
    return {tuple(key): turns for *key, turns in kept.values_list(*names).iterator()}


def _is_new(record: AnswerRecord, turns: dict[str, int], there: list[str] | None, report: Report) -> bool:
    """Whether this answer is to be written, `there` being what is in its place; what is wrong with it goes to the report."""
    _check_model(record)
    about = _("%(question)s by %(model)s", question=record.question, model=record.model.name)
    if record.question not in turns:
        none = _(
            "%(question)s is the key of no question, as there are none here; load the questions first, or together with this",
            question=record.question,
        )
        among = _("%(question)s is not among the questions", question=record.question)
        record.row.problem("question", among if turns else none)
    elif len(record.turns) != turns[record.question]:
        record.row.problem(
            "turns", _("has %(n)s for a question of %(turns)s", n=len(record.turns), turns=turns[record.question])
        )
    elif there and there != record.turns:
        record.row.problem(record.told_in, _("%(about)s differs from the answer already there", about=about))
    elif there:
        report.counts["answers already there"] += 1
    elif not record.may_be_empty and not "".join(record.turns).strip():
        report.counts["empty answers left out"] += 1
    else:
        return True
    return False


def _check_model(record: AnswerRecord) -> None:
    _check_length(record.row, "model", record.model.name, LanguageModel.name)
    _check_length(record.row, "version", record.model.version, LanguageModel.version)
    _check_length(record.row, "vendor", record.model.vendor, LanguageModel.vendor)


def _unpublished(batch: Batch, turns: dict[str, int], told: set[tuple[str, str, str, int]]) -> list[AnswerRecord]:
    """The answers that were judged, to questions there are, and that have no text: neither here nor among those `told`."""
    of_any = {(question, name, sample) for question, name, _version, sample in told}
    missing: dict[tuple[str, str, str, int], AnswerRecord] = {}
    for record in batch.answers:
        place = (record.question, record.model.name, record.model.version, record.sample)
        is_told = (record.question, record.model.name, record.sample) in of_any if record.any_version else place in told
        if not record.published and record.question in turns and not is_told:
            missing.setdefault(place, record)
    for record in missing.values():
        _check_model(record)
    return list(missing.values())


def _write_categories(batch: Batch) -> None:
    for position, row in enumerate(batch.categories):
        group = None
        if row.get("group"):
            names = {"name_en": row.get("group_en", ""), "name_zh": row.get("group_zh", ""), "position": position}
            group, _ = Category.objects.get_or_create(key=row["group"], defaults=names)
        names = {"name_en": row.get("name_en", ""), "name_zh": row.get("name_zh", "")}
        Category.objects.get_or_create(key=row["key"], defaults={**names, "position": position, "group": group})


def _write_questions(benchmark: Benchmark, records: list[QuestionRecord]) -> None:
    categories = {name: Category.objects.get_or_create(key=name)[0] for name in {record.category for record in records}}
    start = benchmark.questions.count()
    Question.objects.bulk_create(
        Question(
            benchmark=benchmark,
            category=categories[record.category],
            key=record.key,
            turns=record.turns,
            language=record.language,
            system=record.system,
            reference=record.reference,
            checks=record.checks,
            tags=record.tags,
            meta=record.meta,
            position=position,
        )
        for position, record in enumerate(records, start=start)
    )


def _write_answers(benchmark: Benchmark, records: list[AnswerRecord], *, provenance: str) -> None:
    questions = dict(benchmark.questions.values_list("key", "pk"))
    answered = dict.fromkeys(record.model for record in records)
    models = {model: model_row(model, provenance=provenance) for model in answered}
    rows = [_answer(record, questions[record.question], models[record.model], provenance) for record in records]
    _make_room(benchmark, rows)
    filled = [row for row in rows if row.pk]
    Answer.objects.bulk_update(filled, FILLED, batch_size=50)
    Answer.objects.bulk_create([row for row in rows if not row.pk], batch_size=200)


FILLED = [
    field.name
    for field in Answer._meta.concrete_fields
    if field.name not in ("id", "question", "model", "sample", "created_at")
]
"""What changes in the row of an answer when its text comes after all."""


def _answer(record: AnswerRecord, question: int, model: LanguageModel, provenance: str) -> Answer:
    told = {name: value for name, value in record.extra.items() if value is not None}
    place = {"question_id": question, "model": model, "sample": record.sample, "provenance": provenance}
    if not record.published:
        return Answer(**place, error=UNPUBLISHED)
    return Answer(**place, turns=record.turns, **told).rendered()


def _make_room(benchmark: Benchmark, rows: list[Answer]) -> None:
    """Delete failed answers in the places of these: what failed has come from a file after all.

    One whose text had not been published stays, with all that was said of it: its row is the new one's from now on.
    """
    places = {(row.question_id, row.model_id, row.sample): row for row in rows}
    textless = Answer.objects.without_text().filter(
        question__benchmark=benchmark, model__in={model for _question, model, _sample in places}
    )
    gone = []
    for pk, error, *place in textless.values_list("pk", "error", "question", "model", "sample"):
        row = places.get(tuple(place))
        if row and error == UNPUBLISHED:
            row.pk = pk
        elif row:
            gone.append(pk)
    for start in range(0, len(gone), CHUNK):
        Answer.objects.filter(pk__in=gone[start : start + CHUNK]).delete()


def model_row(record: ModelRecord, *, provenance: str = Provenance.IMPORTED, **fields: Any) -> LanguageModel:
    """The model's row, made when it is not there; name and version tell models apart."""
    defaults = {"vendor": record.vendor, "provenance": provenance, **dict(record.extra), **fields}
    return LanguageModel.objects.get_or_create(name=record.name, version=record.version, defaults=defaults)[0]
