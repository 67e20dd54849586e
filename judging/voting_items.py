"""The items of a run that people vote on: found, put in order, counted, taken out."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from arena.models import Answer, Battle
from judging.items import battles_of, chunks, questions_of
from judging.models import Assignment, AuditEntry, Gold, Grade, Judge, Preference, Run, Status, VotingItem
from judging.progress import expected
from judging.voting import FIVE, Voting

SPLIT = 0.3  # share of the ballot's scale that two verdicts lie apart to be against each other
TAKEN_OUT = "item_taken_out"  # in the log
AT_ONCE = 100  # seats that ran out, let go in one go


def pool(run: Run) -> QuerySet[Battle] | QuerySet[Answer]:
    """What of a run can be judged, as rows: battles, or answers in single mode.

    Battles that nobody has made yet are not among them: see `prepare`.
    """
    questions = questions_of(run)
    if run.is_single:
        return Answer.objects.ok().filter(_takes_part(run), question__in=questions)
    battles = Battle.objects.filter(_takes_part(run, "first__"), _takes_part(run, "second__"), question__in=questions)
    battles = battles.filter(second__sample=F("first__sample"))
    if run.mode == Run.Mode.BASELINE:
        battles = battles.filter(
            run.is_against_baseline("first__model", "second__model", category="question__category")
        )
    if run.is_sparse:
        battles = battles.filter(sparse_runs=run)
    # found by their index: to look at each battle's own answers would read every text of the run
    textless = Answer.objects.without_text().filter(question__in=questions).values("pk")
    return battles.exclude(first__in=textless).exclude(second__in=textless)


def _takes_part(run: Run, answer: str = "") -> Q:
    """Whether an answer is by one of the run's models, without a query of its own."""
    models = Q(**{f"{answer}model__in": run.candidates.order_by().values("pk")})
    if run.baseline_id:
        models |= Q(**{f"{answer}model": run.baseline_id})
    return models & Q(**{f"{answer}sample__lt": run.samples})


@transaction.atomic(savepoint=False)
def prepare(run: Run) -> bool:
    """Make the battles and items that are missing; whether there were any. Counts first, so that again is cheap."""
    if not run.is_single and pool(run).count() < _pairs(run):
        battles_of(run)
    if VotingItem.objects.filter(run=run).count() >= pool(run).count():
        return False
    Run.objects.select_for_update(no_key=True).get(pk=run.pk)  # two who open a run at once make its items once
    field = field_of(run)
    known = VotingItem.objects.filter(run=run).values(field)
    rows = pool(run).exclude(pk__in=known).values_list("pk", "question__category", "question__language")
    new = list(rows.order_by("question__position", "pk"))
    _make(run, new)
    return bool(new)


def _pairs(run: Run) -> int:
    """How many battles the run's answers make, however many turns are judged of each."""
    whole = copy(run)
    whole.turns = Run.Turns.WHOLE
    return expected(whole) // run.orders


def _make(run: Run, rows: Sequence[tuple[int, int, str]]) -> None:
    field, wanted = field_of(run), Voting.of(run).wanted
    start = VotingItem.objects.filter(run=run).count()
    seats = _counts(run, [pk for pk, _, _ in rows])
    out = taken_out(run) | set(Gold.objects.filter(run=run).values_list(field, flat=True))
    items = [
        VotingItem(
            run=run,
            category_id=category,
            language=language,
            wanted=wanted,
            held=seats[pk][0],
            done=seats[pk][1],
            is_out=pk in out,
            place=start + place,
            **{f"{field}_id": pk},
        )
        for place, (pk, category, language) in enumerate(_in_turns(rows, seed=run.seed))
    ]
    VotingItem.objects.bulk_create(items, batch_size=2000, ignore_conflicts=True)
    _find_splits(run, [pk for pk, (_, done) in seats.items() if done > 1])


def _find_splits(run: Run, items: Sequence[int]) -> None:
    """Mark those of these items that people, who voted before there were rows for items, are split on."""
    field, voting = field_of(run), Voting.of(run)
    table, value = (Grade, "score") if run.is_single else (Preference, "value")
    for some in chunks(items):
        said: dict[int, list[tuple[int, float]]] = defaultdict(list)
        found = table.objects.counting().filter(run=run, status=Status.OK, judge__kind__in=Judge.PEOPLE)
        for item, *vote in found.filter(**{f"{field}__in": some}).values_list(field, "turn", value):
            said[item].append(tuple(vote))
        split = [item for item, votes in said.items() if are_split(run, votes)]
        wanted = {"wanted": voting.overlap} if voting.third else {}
        VotingItem.objects.filter(run=run, **{f"{field}__in": split}).update(is_split=True, **wanted)


def are_split(run: Run, votes: Iterable[tuple[int, float]]) -> bool:
    """Whether people are against each other in these votes, (turn, value) each: far apart on the ballot's scale, in any turn.

    Of three sides (A, tie, B) that is any two; of five steps, any two that are no neighbours; of marks, more than SPLIT of
    the scale.
    """
    by_turn: dict[int, list[float]] = defaultdict(list)
    for turn, value in votes:
        by_turn[turn].append(value)
    far = SPLIT * _width(run)
    return any(max(values) - min(values) > far for values in by_turn.values())


def _width(run: Run) -> float:
    """From the one end of what can be said on the run's ballot to the other."""
    if run.is_single:
        return run.rubric.highest - run.rubric.lowest
    return 4.0 if Voting.of(run).ballot == FIVE else 2.0


def _in_turns(rows: Sequence[tuple[int, int, str]], *, seed: int) -> list[tuple[int, int, str]]:
    """The rows at random, each category spread evenly over the whole: whoever stops early has seen all kinds."""
    dice = random.Random(seed)
    by_category: dict[int, list] = defaultdict(list)
    for row in rows:
        by_category[row[1]].append(row)
    placed = []
    for number, (_, mine) in enumerate(sorted(by_category.items())):
        dice.shuffle(mine)
        shift = (number + 0.5) / len(by_category)
        placed += [((place + shift) / len(mine), row) for place, row in enumerate(mine)]
    return [row for _, row in sorted(placed)]


def _counts(run: Run, items: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Of each item, how many seats hold it and how many were voted on."""
    field = field_of(run)
    counted: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    counting = Assignment.objects.filter(run=run, purpose=Assignment.Purpose.VOTE).order_by()
    for some in chunks(items):
        done = Count("pk", filter=Q(status=Assignment.Status.DONE))
        found = counting.filter(**{f"{field}__in": some}).values_list(field)
        for pk, held, voted in found.annotate(held=Count("pk", filter=Q(holds=True)), voted=done):
            counted[pk] = (held, voted)
    return counted


def taken_out(run: Run) -> set[int]:
    """The items that a lead took out after a flag, gold ones too: these are set apart anyway (`is_out`), so that the log is asked. One query."""
    settled = AuditEntry.objects.filter(run=run, act__in=(TAKEN_OUT, "flag_settled", "flag_reopened")).order_by("pk")
    last = {facts.get(field_of(run)): act for act, facts in settled.values_list("act", "facts")}
    return {item for item, act in last.items() if act == TAKEN_OUT}


def field_of(run: Run) -> str:
    """The column that names what is judged, in seats, items and judgments."""
    return "answer" if run.is_single else "battle"


def rewant(run: Run) -> None:
    """Bring the items to the run's settings for how many people see each. Two updates.

    What more people have seen already stays seen. Where a third is asked for on disagreement, split items want it.
    """
    voting = Voting.of(run)
    VotingItem.objects.filter(run=run).update(wanted=voting.wanted)
    if voting.third:
        VotingItem.objects.filter(run=run, is_split=True).update(wanted=voting.overlap)


def let_go(run: Run) -> int:
    """Let go of the seats of this run whose lease ran out, so that others get their items; how many. A vote still counts."""
    field = field_of(run)
    with transaction.atomic(savepoint=False):
        gone = Assignment.objects.run_out().filter(run=run).order_by("pk").select_for_update(skip_locked=True)
        seats = list(gone.values_list("pk", field)[:AT_ONCE])
        Assignment.objects.filter(pk__in=[pk for pk, _ in seats]).update(holds=False)
        for _, item in sorted(seats, key=lambda seat: seat[1]):
            VotingItem.objects.filter(run=run, **{field: item}).update(held=F("held") - 1)
    return len(seats)


def let_all_go() -> int:
    """The same for every run that is open; how many seats."""
    now = timezone.now()
    gone = Assignment.objects.filter(status=Assignment.Status.LEASED, holds=True, lease_until__lt=now)
    runs = Run.objects.filter(status=Run.Status.OPEN, pk__in=gone.values("run"))
    return sum(let_go(run) for run in runs)
