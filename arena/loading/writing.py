"""From records to rows: everything is checked against the database first, then written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

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
from arena.models import Answer, Benchmark, Category, LanguageModel, Provenance, Question

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
    report.counts["new answers"] += len(new_answers)
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
        _write_answers(benchmark, new_answers, provenance=target.provenance)
    return benchmark


def _join_references(batch: Batch) -> None:
    """Put references that came in files of their own to their questions, which must have come with them."""
    references: dict[str, ReferenceRecord] = {}
    asked = {record.key for record in batch.questions}
    for reference in batch.references:
        if reference.question not in asked:
            reference.row.problem("question_id", f"{reference.question} is not among the questions loaded with it")
        elif reference.question in references:
            line = references[reference.question].row.line
            reference.row.problem("question_id", f"{reference.question} is a duplicate of line {line}")
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
    for record in batch.questions:
        if not record.key:
            continue
        _check_length(record.row, "key", record.key, Question.key)
        _check_length(record.row, "category", record.category, Category.key)
        _check_length(record.row, "language", record.language, Question.language)
        if record.key in seen:
            record.row.problem("key", f"{record.key} is a duplicate of line {seen[record.key].row.line}")
            continue
        seen[record.key] = record
        if len(record.reference) > len(record.turns):
            record.row.problem("reference", f"has {len(record.reference)} texts for {len(record.turns)} turns")
        for check in record.checks:
            for problem in check_problems(check):
                record.row.problem("checks", problem)
        if record.key not in known:
            if benchmark and benchmark.frozen_at:
                record.row.problem("key", f"{record.key} is new, and {benchmark} is frozen; load it as another version")
            new.append(record)
        elif _facts(known[record.key]) != _facts_of(record):
            record.row.problem(
                "key", f"{record.key} differs from the question already in {benchmark}; load it as another version"
            )
        else:
            report.counts["questions already there"] += 1
    return new


def _check_length(row: Row, name: str, text: str, column: Any) -> None:
    """SQLite keeps any text; PostgreSQL refuses what is longer than its column."""
    if len(text) > column.field.max_length:
        row.problem(name, f"is {len(text)} characters long; at most {column.field.max_length} are kept")


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
    turns.update({record.key: len(record.turns) for record in batch.questions})
    there = {
        (row["question__key"], row["model__name"], row["model__version"], row["sample"]): row["turns"]
        for row in Answer.objects.ok()
        .filter(question__benchmark=benchmark)
        .values("question__key", "model__name", "model__version", "sample", "turns")
    }
    seen: dict[tuple, AnswerRecord] = {}
    new = []
    for record in batch.answers:
        key = (record.question, record.model.name, record.model.version, record.sample)
        if not record.question or not record.turns:
            continue
        _check_length(record.row, "model", record.model.name, LanguageModel.name)
        _check_length(record.row, "version", record.model.version, LanguageModel.version)
        _check_length(record.row, "vendor", record.model.vendor, LanguageModel.vendor)
        if record.question not in turns:
            record.row.problem("question", f"{record.question} is not among the questions")
        elif len(record.turns) != turns[record.question]:
            record.row.problem("turns", f"has {len(record.turns)} for a question of {turns[record.question]}")
        elif key in seen:
            record.row.problem(
                "question", f"{record.question} by {record.model.name} is a duplicate of line {seen[key].row.line}"
            )
        elif key in there and there[key] != record.turns:
            record.row.problem(
                "turns", f"{record.question} by {record.model.name} differs from the answer already there"
            )
        elif key in there:
            report.counts["answers already there"] += 1
        elif not "".join(record.turns).strip():
            report.counts["empty answers left out"] += 1
        else:
            new.append(record)
        seen.setdefault(key, record)
    return new


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
    models = {record.model: model_row(record.model, provenance=provenance) for record in records}
    _make_room(benchmark, {(questions[record.question], models[record.model].pk, record.sample) for record in records})
    Answer.objects.bulk_create(
        (
            Answer(
                question_id=questions[record.question],
                model=models[record.model],
                sample=record.sample,
                turns=record.turns,
                provenance=provenance,
                **{name: value for name, value in record.extra.items() if value is not None},
            ).rendered()
            for record in records
        ),
        batch_size=200,
    )


def _make_room(benchmark: Benchmark, places: set[tuple[int, int, int]]) -> None:
    """Delete failed answers in these places (question, model, sample): what failed has come from a file after all."""
    failed = Answer.objects.failed().filter(
        question__benchmark=benchmark, model__in={model for _question, model, _sample in places}
    )
    rows = failed.values_list("pk", "question", "model", "sample")
    gone = [pk for pk, *place in rows if tuple(place) in places]
    for start in range(0, len(gone), CHUNK):
        Answer.objects.filter(pk__in=gone[start : start + CHUNK]).delete()


def model_row(record: ModelRecord, *, provenance: str = Provenance.IMPORTED, **fields: Any) -> LanguageModel:
    """The model's row, made when it is not there; name and version tell models apart."""
    defaults = {"vendor": record.vendor, "provenance": provenance, **dict(record.extra), **fields}
    return LanguageModel.objects.get_or_create(name=record.name, version=record.version, defaults=defaults)[0]
