"""How far a run is: always a COUNT of rows, never a counter that can drift."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Greatest

from arena.models import Answer
from judging.items import participants, questions_of
from judging.models import Assignment, Grade, Judge, Preference, Run, Status, VotingItem

COUNTS = {
    "done": Count("pk", filter=Q(status=Status.OK)),
    "skipped": Count("pk", filter=Q(status=Status.SKIPPED)),
    "failed": Count("pk", filter=~Q(status__in=(Status.OK, Status.SKIPPED))),
}
NOTHING = dict.fromkeys(COUNTS, 0)


@dataclass(frozen=True)
class Line:
    """One bar: of `total`, how many are done, how many failed, and how many the judge has no way to judge (skipped)."""

    label: str
    done: int
    failed: int
    total: int
    skipped: int = 0

    @property
    def behind(self) -> int:
        """How many nobody will be asked again by itself; a failure is behind us too."""
        return self.done + self.failed + self.skipped

    @property
    def left(self) -> int:
        return max(0, self.total - self.behind)

    @property
    def share(self) -> float:
        """What is behind us, 0..1."""
        return min(1.0, self.behind / self.total) if self.total else 0.0


@dataclass(frozen=True)
class People:
    """How far people are in a run, by its items that may be given out: none before anybody has opened the run.

    `covered` items have as many votes as are `wanted`; on `split` ones people decided against each other; `out` were taken
    out. `wanted` is of all items together, and at least the `votes` there are. `flagged` seats no lead has settled.
    `kept_out` counts votes that stand and do not count, by why.
    """

    items: int = 0
    covered: int = 0
    votes: int = 0
    wanted: int = 0
    split: int = 0
    out: int = 0
    flagged: int = 0
    kept_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """A run at one moment; `failures` and `skips` by judge and reason, the most frequent first: {judge, status, error, n}."""

    status: str
    stage: str
    answers: Line | None
    lines: list[Line]
    failures: list[dict] = field(default_factory=list)
    skips: list[dict] = field(default_factory=list)
    people: People | None = None

    @property
    def done(self) -> int:
        return sum(line.done for line in self.lines)

    @property
    def failed(self) -> int:
        return sum(line.failed for line in self.lines)

    @property
    def skipped(self) -> int:
        return sum(line.skipped for line in self.lines)

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def share(self) -> float:
        return min(1.0, sum(line.behind for line in self.lines) / self.total) if self.total else 0.0

    @property
    def is_all_judged(self) -> bool:
        """Whether there is something to judge and nothing of it left."""
        return self.total > 0 and not any(line.left for line in self.lines)

    @property
    def percent(self) -> int:
        return int(100 * self.share)


def expected(run: Run) -> int:
    """How many judgments each machine judge owes, from the answers there are. Two or three queries, no rows written."""
    answered = wanted_answers(run).ok()
    if run.mode == Run.Mode.BASELINE:
        at_baseline = set(answered.filter(model=run.baseline).values_list("question", "sample"))
        rivals = answered.exclude(model=run.baseline).filter(model__in=run.candidates.all())
        there = {place: n for place, n in _by_place(rivals).items() if place in at_baseline}
    else:
        there = _by_place(answered)
        if not run.is_single:
            there = {place: n * (n - 1) // 2 for place, n in there.items()}
    if run.turns == Run.Turns.EACH:
        turns = {pk: len(texts) for pk, texts in questions_of(run).values_list("pk", "turns")}
        there = {place: n * turns[place[0]] for place, n in there.items()}
    return sum(there.values()) * run.orders


def _by_place(answers) -> dict[tuple[int, int], int]:
    """How many of these answers there are by question and sample. One query."""
    rows = answers.order_by().values_list("question", "sample").annotate(n=Count("pk"))
    return {(question, sample): n for question, sample, n in rows}


def wanted_answers(run: Run):
    """The answers, good or failed, of the models that take part."""
    return Answer.objects.filter(question__in=questions_of(run), model__in=participants(run), sample__lt=run.samples)


def judgments_of(run: Run):
    """The current judgments that answer this run's recipe, whichever run asked for them."""
    models, samples = participants(run), run.samples
    if run.is_single:
        mine = Grade.objects.current().filter(
            answer__question__in=questions_of(run), answer__model__in=models, answer__sample__lt=samples
        )
    else:
        mine = Preference.objects.current().filter(
            battle__question__in=questions_of(run),
            battle__first__model__in=models,
            battle__second__model__in=models,
            battle__first__sample__lt=samples,
            battle__second__sample=F("battle__first__sample"),
        )
        if run.mode == Run.Mode.BASELINE:
            mine = mine.filter(Q(battle__first__model=run.baseline) | Q(battle__second__model=run.baseline))
    turns = {"turn__gt": 0} if run.turns == Run.Turns.EACH else {"turn": 0}
    return mine.filter(rubric=run.rubric, **turns)


def progress(run: Run) -> Progress:
    """Where the run is now. A handful of queries, whatever its size."""
    judgments = judgments_of(run)
    total = expected(run)
    counted = {row.pop("judge"): row for row in judgments.values("judge").annotate(**COUNTS)}
    lines = [
        Line(str(judge), total=total, **counted.get(judge.pk, NOTHING))
        for judge in run.judges.exclude(kind__in=Judge.PEOPLE)
    ]
    people = None if lines else people_of(run)
    if people:
        lines.append(_people(run, judgments, people))
    mine = judgments.filter(judge__in=run.judges.all())
    return Progress(
        status=run.status,
        stage=run.stage,
        answers=_answers(run) if run.collects else None,
        lines=lines,
        failures=_by_reason(mine.failed()),
        skips=_by_reason(mine.skipped()),
        people=people,
    )


def _by_reason(judgments) -> list[dict]:
    """The twenty most frequent reasons of these judgments. One query."""
    rows = judgments.values("judge__name", "status", "error").annotate(n=Count("pk")).order_by("-n", "error")[:20]
    return [
        {"judge": row["judge__name"], "status": row["status"], "error": row["error"], "n": row["n"]} for row in rows
    ]


def without_verdict(line: Line, skips: list[dict]) -> str:
    """What a line on a terminal says after its count: ", 2 failed, 40 skipped: the question has no checks"."""
    failed = f", {line.failed} failed" if line.failed else ""
    mine = [skip for skip in skips if skip["judge"] == line.label]
    return failed + "".join(f", {skip['n']} skipped: {skip['error']}" for skip in mine)


def people_of(run: Run) -> People:
    """How far people are in the run. Three queries."""
    given = Q(is_out=False)
    counts = VotingItem.objects.filter(run=run).aggregate(
        items=Count("pk", filter=given),
        covered=Count("pk", filter=given & Q(done__gte=F("wanted"))),
        votes=Sum("done", filter=given),
        wanted=Sum(Greatest("wanted", "done"), filter=given),
        split=Count("pk", filter=given & Q(is_split=True)),
        out=Count("pk", filter=~given),
    )
    table = Grade if run.is_single else Preference
    kept_out = table.objects.decided().by_people().filter(run=run).exclude(kept_out="").order_by()
    return People(
        **{name: number or 0 for name, number in counts.items()},
        flagged=run.assignments.filter(status=Assignment.Status.FLAGGED, settled_at=None).count(),
        kept_out=dict(kept_out.values_list("kept_out").annotate(n=Count("pk"))),
    )


def _people(run: Run, judgments, people: People) -> Line:
    """The votes of all people together, of as many as are wanted on the run's items.

    Where nobody has opened the run yet there are no items: what counts on record then, of as many as the overlap asks for.
    """
    if people.items:
        return Line("people", people.votes, 0, people.wanted)
    overlap = int(run.limits.get("overlap", 3))
    votes = judgments.counting().by_people().filter(run=run, status=Status.OK).count()
    return Line("people", votes, 0, expected(run) // run.orders * overlap)


def _answers(run: Run) -> Line:
    wanted = wanted_answers(run)
    total = questions_of(run).count() * len(participants(run)) * run.samples
    return Line("answers", wanted.ok().count(), wanted.failed().count(), total)
