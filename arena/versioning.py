"""Versions of a benchmark: when one no longer changes, its copy as the next one, and what changed between two."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from arena.models import Answer, Benchmark, Question

CHUNK = 500
ASKED = ("turns", "system")
"""What an answer answers."""
TOLD = (*ASKED, "category_id", "language", "reference", "checks", "tags")
"""What makes it another question in another version."""
KEPT = tuple(
    field.name for field in Question._meta.concrete_fields if field.name not in ("id", "benchmark", "category")
)
SAID = tuple(
    field.attname
    for field in Answer._meta.concrete_fields
    if field.name not in ("id", "question", "model", "created_at")
)


@dataclass(frozen=True)
class Copied:
    """A new version with how many questions and answers came along."""

    benchmark: Benchmark
    questions: int
    answers: int


@dataclass(frozen=True)
class Changes:
    """What is in a newer version and not in the older one, the other way round, and what differs: (old, new) by `fields`."""

    added: list[Question]
    removed: list[Question]
    changed: list[tuple[Question, Question, list[str]]]
    same: int


def is_settled(benchmark: Benchmark) -> bool:
    """Whether its questions no longer change: answers to them are on record as judged, or about to be.

    A benchmark that verdicts were imported on counts too, whether or not a run has frozen it. A few queries.
    """
    if benchmark.frozen_at:
        return True
    for relation in Answer._meta.related_objects:
        name = f"{relation.field.name}__question__benchmark"
        if relation.related_model._base_manager.filter(**{name: benchmark}).exists():
            return True
    return False


def versions_of(benchmark: Benchmark) -> list[Benchmark]:
    """All versions under its name, the oldest first. One query."""
    return list(Benchmark.objects.filter(name=benchmark.name).order_by("created_at", "pk"))


def next_version(benchmark: Benchmark) -> str:
    """A version that its name does not have yet: the number after the largest, or a number put behind. One query."""
    taken = set(Benchmark.objects.filter(name=benchmark.name).values_list("version", flat=True))
    numbers = [int(version) for version in taken if version.isascii() and version.isdecimal() and len(version) < 9]
    if numbers and benchmark.version.isdecimal():
        return str(max(numbers) + 1)
    return next(text for n in range(2, len(taken) + 3) if (text := f"{benchmark.version}.{n}") not in taken)


@transaction.atomic
def copy(benchmark: Benchmark, version: str, *, answers: bool) -> Copied:
    """The next version, not frozen: its questions, and with `answers` every answer that can be judged, as it stands.

    Judgments stay with the version they were made on. One transaction.
    """
    made = Benchmark.objects.create(
        name=benchmark.name,
        version=version,
        title_en=benchmark.title_en,
        title_zh=benchmark.title_zh,
        description=benchmark.description,
        provenance=benchmark.provenance,
    )
    old = list(benchmark.questions.order_by("position", "pk"))
    new = [_copy_of(question, made) for question in old]
    Question.objects.bulk_create(new, batch_size=CHUNK)
    places = {was.pk: now.pk for was, now in zip(old, new, strict=True)}
    return Copied(made, len(new), _copy_answers(benchmark, places) if answers else 0)


def _copy_of(question: Question, benchmark: Benchmark) -> Question:
    told = {name: getattr(question, name) for name in KEPT}
    return Question(benchmark=benchmark, category_id=question.category_id, **told)


def _copy_answers(benchmark: Benchmark, places: dict[int, int]) -> int:
    """Copy the answers that can be judged to the questions in these places; how many. Read and written a part at a time."""
    last, copied = 0, 0
    found = Answer.objects.ok().filter(question__benchmark=benchmark).order_by("pk")
    while part := list(found.filter(pk__gt=last)[:CHUNK]):
        rows = [
            Answer(
                question_id=places[row.question_id],
                model_id=row.model_id,
                **{name: getattr(row, name) for name in SAID},
            )
            for row in part
        ]
        Answer.objects.bulk_create(rows, batch_size=200)
        last, copied = part[-1].pk, copied + len(part)
    return copied


def changes(old: Benchmark, new: Benchmark) -> Changes:
    """What changed from one version to another, question by question, told apart by their keys. Two queries."""
    was = {question.key: question for question in old.questions.select_related("category").order_by("position", "pk")}
    now = {question.key: question for question in new.questions.select_related("category").order_by("position", "pk")}
    changed = []
    for key, question in now.items():
        if key in was:
            fields = [name for name in TOLD if getattr(question, name) != getattr(was[key], name)]
            if fields:
                changed.append((was[key], question, [name.removesuffix("_id") for name in fields]))
    return Changes(
        added=[question for key, question in now.items() if key not in was],
        removed=[question for key, question in was.items() if key not in now],
        changed=changed,
        same=len(now.keys() & was.keys()) - len(changed),
    )
