"""How far a run is: always a COUNT of rows, never a counter that can drift."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Count, Q

from arena.models import Answer
from judging.items import participants, questions_of
from judging.models import Grade, Judge, Preference, Run, Status


@dataclass(frozen=True)
class Line:
    """One bar: how many of `total` are done, how many of them failed."""

    label: str
    done: int
    failed: int
    total: int

    @property
    def left(self) -> int:
        return max(0, self.total - self.done - self.failed)

    @property
    def share(self) -> float:
        """What is behind us, 0..1; a failure is behind us too."""
        return min(1.0, (self.done + self.failed) / self.total) if self.total else 1.0


@dataclass(frozen=True)
class Progress:
    """A run at one moment."""

    status: str
    stage: str
    answers: Line | None
    lines: list[Line]
    failures: list[dict] = field(default_factory=list)

    @property
    def done(self) -> int:
        return sum(line.done for line in self.lines)

    @property
    def failed(self) -> int:
        return sum(line.failed for line in self.lines)

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def share(self) -> float:
        return min(1.0, (self.done + self.failed) / self.total) if self.total else 0.0

    @property
    def percent(self) -> int:
        return int(100 * self.share)


def expected(run: Run) -> int:
    """How many judgments each machine judge owes, from the answers there are. Two queries, no rows written."""
    answered = Answer.objects.ok().filter(question__in=questions_of(run), model__in=participants(run), sample=0)
    if run.is_single:
        return answered.count()
    if run.mode == Run.Mode.BASELINE:
        baseline = answered.filter(model=run.baseline).values("question")
        rivals = answered.exclude(model=run.baseline).filter(question__in=baseline, model__in=run.candidates.all())
        return rivals.count() * run.orders
    per_question = answered.values("question").annotate(n=Count("pk")).values_list("n", flat=True)
    return sum(n * (n - 1) // 2 for n in per_question) * run.orders


def judgments_of(run: Run):
    """The current judgments that answer this run's recipe, whichever run asked for them."""
    models = participants(run)
    if run.is_single:
        mine = Grade.objects.current().filter(answer__question__in=questions_of(run), answer__model__in=models)
    else:
        mine = Preference.objects.current().filter(
            battle__question__in=questions_of(run), battle__first__model__in=models, battle__second__model__in=models
        )
        if run.mode == Run.Mode.BASELINE:
            mine = mine.filter(Q(battle__first__model=run.baseline) | Q(battle__second__model=run.baseline))
    return mine.filter(rubric=run.rubric)


def progress(run: Run) -> Progress:
    """Where the run is now. A handful of queries, whatever its size."""
    judgments = judgments_of(run)
    total = expected(run)
    counted = {
        row["judge"]: row
        for row in judgments.values("judge").annotate(
            done=Count("pk", filter=Q(status=Status.OK)), failed=Count("pk", filter=~Q(status=Status.OK))
        )
    }
    lines = [
        Line(str(judge), counted.get(judge.pk, {}).get("done", 0), counted.get(judge.pk, {}).get("failed", 0), total)
        for judge in run.judges.exclude(kind__in=Judge.PEOPLE)
    ]
    if not lines:
        lines.append(_people(run, judgments))
    failures = (
        judgments.exclude(status=Status.OK)
        .filter(judge__in=run.judges.all())
        .values("judge__name", "status", "error")
        .annotate(n=Count("pk"))
        .order_by("-n")[:20]
    )
    return Progress(
        status=run.status,
        stage=run.stage,
        answers=_answers(run) if run.collects else None,
        lines=lines,
        failures=[
            {"judge": row["judge__name"], "status": row["status"], "error": row["error"], "n": row["n"]}
            for row in failures
        ],
    )


def _people(run: Run, judgments) -> Line:
    """The votes of all people together, of as many as the overlap asks for."""
    overlap = int(run.limits.get("overlap", 3))
    votes = judgments.filter(judge__kind__in=Judge.PEOPLE, run=run, status=Status.OK).count()
    return Line("people", votes, 0, expected(run) // run.orders * overlap)


def _answers(run: Run) -> Line:
    wanted = Answer.objects.filter(question__in=questions_of(run), model__in=participants(run), sample=0)
    done = wanted.ok().count()
    return Line("answers", done, wanted.failed().count(), questions_of(run).count() * len(participants(run)))
