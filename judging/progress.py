"""How far a run is: always a COUNT of rows, never a counter that can drift."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Greatest

from arena.listing import listed
from arena.models import Answer, Battle, LanguageModel, Question
from judging.items import meetings, owed_by_pair, participants, questions_of, shown_way, table_of
from judging.models import Assignment, Grade, Judge, KeptOut, Preference, Run, Seat, Status, VotingItem

COUNTS = {
    "done": Count("pk", filter=Q(status=Status.OK)),
    "skipped": Count("pk", filter=Q(status=Status.SKIPPED)),
    "failed": Count("pk", filter=~Q(status__in=(Status.OK, Status.SKIPPED))),
}
NOTHING = dict.fromkeys(COUNTS, 0)
UNSAID = 0.995  # the most that a panel is through with while it has not said anything itself


@dataclass(frozen=True)
class Line:
    """One bar: of `total`, how many are done, how many failed, and how many the judge has no way to judge (skipped).

    `parts` are the members of a panel or cascade, who judge before it says anything: without them it would stand at nothing
    until all of them are through. Those of a cascade after its first may have less to do than their `total`.
    """

    label: str
    done: int
    failed: int
    total: int
    skipped: int = 0
    parts: tuple[Line, ...] = ()
    is_cascade: bool = False

    @property
    def behind(self) -> int:
        """How many nobody will be asked again by itself; a failure is behind us too."""
        return self.done + self.failed + self.skipped

    @property
    def left(self) -> int:
        return max(0, self.total - self.behind)

    @property
    def share(self) -> float:
        """What is behind us, 0..1; of a panel, what its members have said counts until it speaks itself."""
        own = min(1.0, self.behind / self.total) if self.total else 0.0
        return max(own, UNSAID * self._heard)

    @property
    def _heard(self) -> float:
        """What the members have behind them, 0..1: all of a panel, the first of a cascade."""
        heard = [part.share for part in (self.parts[:1] if self.is_cascade else self.parts)]
        return sum(heard) / len(heard) if heard else 0.0

    @property
    def to_come(self) -> int:
        """How many judgments are still to be made, at the most, those of members and not of who only adds them up."""
        if not self.parts or not self.left:
            return self.left
        return sum(part.to_come for part in self.parts)


@dataclass(frozen=True)
class People:
    """How far people are in a run, by its items that may be given out: none before anybody has opened the run.

    `covered` items have as many votes as are `wanted`; on `split` ones people decided against each other; `sent` ones a lead
    put before the adjudicators; `out` were taken out. `wanted` is of all items together, and at least the `votes` there are. `flagged` seats no lead has settled.
    `kept_out` counts votes that stand and do not count, by why.
    """

    items: int = 0
    covered: int = 0
    votes: int = 0
    wanted: int = 0
    split: int = 0
    sent: int = 0
    out: int = 0
    flagged: int = 0
    kept_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """A run at one moment; `failures` and `skips` by judge and reason, the most frequent first: {judge, status, error, n}.

    `unread` replies, those of members too, hold no verdict that a parser finds, and wait for a person.
    """

    status: str
    stage: str
    answers: Line | None
    lines: list[Line]
    failures: list[dict] = field(default_factory=list)
    skips: list[dict] = field(default_factory=list)
    people: People | None = None
    unread: int = 0

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
        return sum(line.share * line.total for line in self.lines) / self.total if self.total else 0.0

    @property
    def to_come(self) -> int:
        """How many judgments are still to be made, at the most."""
        return sum(line.to_come for line in self.lines)

    @property
    def is_all_judged(self) -> bool:
        """Whether there is something to judge and nothing of it left."""
        return self.total > 0 and not any(line.left for line in self.lines)

    @property
    def percent(self) -> int:
        return int(100 * self.share)


def expected(run: Run) -> int:
    """How many judgments each machine judge owes, from the answers there are. Two to four queries, no rows written."""
    if run.is_sparse or run.baselines or run.anchors is not None:
        return sum(owed_by_pair(run).values())
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
            sides = ("battle__first__model", "battle__second__model")
            mine = mine.filter(run.is_against_baseline(*sides, category="battle__question__category"))
        if run.is_sparse and run.anchors is None:
            planned = {"battle__sparse_runs": run} if run.battles.exists() else {"battle__in": listed(_planned(run))}
            mine = mine.filter(**planned)
    if run.anchors is not None:
        mine = mine.filter(**{f"{table_of(run)[1]}__in": run.anchors})
    mine = mine.filter(trial=run.trial) if run.trial else mine.exclude(kept_out=KeptOut.AGAIN)
    turns = {"turn__gt": 0} if run.turns == Run.Turns.EACH else {"turn": 0}
    mine = mine.filter(rubric=run.rubric, **turns)
    return mine if run.is_single or run.orders == 2 else mine.exclude(pk__in=listed(_other_ways(run, mine)))


def _planned(run: Run) -> list[int]:
    """Ids of those battles there are that a run will take up of which not all pairs meet, before its first go. Three queries."""
    models = list(run.candidates.values_list("pk", flat=True))
    met = meetings(run, models)
    there = Battle.objects.filter(question__in=questions_of(run), first_model__in=models, second_model__in=models)
    rows = there.order_by().values_list("pk", "question", "first__sample", "first_model", "second_model")
    places = {(question, sample) for _pk, question, sample, *_pair in rows}
    pairs = {place: set(map(frozenset, met(*place))) for place in places}
    return [pk for pk, question, sample, *pair in rows if frozenset(pair) in pairs[question, sample]]


def _other_ways(run: Run, judgments) -> list[int]:
    """Ids of those of these judgments that other runs made in an order that this run, of one order, does not ask for. A query,
    and one more where other runs made any."""
    sides = ("battle__first_model", "battle__second_model", "battle__first__sample")
    columns = ("pk", "swapped", "battle", *sides, "battle__question__position", "battle__question__category")
    rows = list(judgments.by_machines().exclude(run=run).order_by().values_list(*columns))
    models = {model for row in rows for model in row[3:5]}
    names = dict(LanguageModel.objects.filter(pk__in=models).values_list("pk", "name")) if models else {}
    shown: dict[int, bool] = {}
    found: list[int] = []
    for pk, swapped, battle, *place in rows:
        if battle not in shown:
            shown[battle] = shown_way(run, _battle(battle, names, *place))
        if shown[battle] != swapped:
            found.append(pk)
    return found


def _battle(pk: int, names: Mapping[int, str], one: int, other: int, sample: int, *place: int) -> Battle:
    """The battle with all that decides which way round it is shown (not to be saved)."""
    first, second = (Answer(model=LanguageModel(pk=model, name=names[model]), sample=sample) for model in (one, other))
    position, category = place
    question = Question(position=position, category_id=category)
    return Battle(pk=pk, first=first, second=second, question=question)


def progress(run: Run) -> Progress:
    """Where the run is now. A handful of queries, whatever its size."""
    judgments = judgments_of(run)
    total = expected(run)
    counted = {row.pop("judge"): row for row in judgments.values("judge").annotate(**COUNTS)}
    judges = list(run.judges.exclude(kind__in=Judge.PEOPLE))
    members = _members(judges)
    lines = [_line(judge, total, counted, members) for judge in judges]
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
        unread=_unread(judgments, counted, [*judges, *chain.from_iterable(members.values())]),
    )


def _unread(judgments, counted: Mapping[int, dict], judges: Sequence[Judge]) -> int:
    """How many of these judgments by these judges wait for a person to read them. One query where any failed."""
    failed = [judge.pk for judge in judges if counted.get(judge.pk, NOTHING)["failed"]]
    return judgments.filter(judge__in=failed).unread().count() if failed else 0


def _members(judges: Sequence[Judge]) -> dict[int, list[Judge]]:
    """The members of these panels and cascades, and of those that sit in them, in their order. A query for each level of
    them; none where there is no panel."""
    found: dict[int, list[Judge]] = defaultdict(list)
    ahead = {judge.pk for judge in judges if judge.kind in Judge.COMPOSED}
    while ahead:
        seats = list(Seat.objects.filter(panel__in=ahead).order_by("position", "pk").select_related("member"))
        for seat in seats:
            found[seat.panel_id].append(seat.member)
        ahead = {seat.member_id for seat in seats if seat.member.kind in Judge.COMPOSED} - found.keys()
    return found


def _line(judge: Judge, total: int, counted: Mapping[int, dict], members: Mapping[int, list[Judge]]) -> Line:
    """The judge's line, with those of its members."""
    return Line(
        str(judge),
        total=total,
        **counted.get(judge.pk, NOTHING),
        parts=tuple(_line(member, total, counted, members) for member in members.get(judge.pk, ())),
        is_cascade=judge.kind == Judge.Kind.CASCADE,
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
        sent=Count("pk", filter=given & Q(is_sent=True)),
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
