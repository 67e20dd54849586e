"""What runs that began before ours ask just now: the very same is left to them, so that it is paid for once."""

from __future__ import annotations

from collections.abc import Sequence

from judging.items import Item, chunks, items_of, judged_keys, questions_of, undecided
from judging.machines import Machine
from judging.models import Judge, Run


def is_asked(run: Run, machine: Machine) -> bool:
    """Whether an earlier run at work asks somebody whom this machine asks. A query where there is no such run."""
    return bool(_askers(run, machine.everybody()))


def free(run: Run, machine: Machine, items: Sequence[Item]) -> list[Item]:
    """Those of these items, which the machine has not judged, that no earlier run is about to ask of it or of who sits in it.

    A query where no such run is at work; else a handful for each and 200 questions.
    """
    askers = _askers(run, machine.everybody())
    if not askers:
        return list(items)
    questions = sorted({item.question.pk for item in items})
    held = {key for other, judge in askers for key in _ahead(other, judge, questions)}
    left = [item for item in items if item.key not in held]
    # what was open when the items were looked up may be on record by now
    known = {key for some in chunks(questions) for key in judged_keys(run, machine.judge, some)}
    return [item for item in left if item.key not in known]


def writes_references(run: Run, machine: Machine) -> bool:
    """Whether an earlier run lets one of this machine's judges write a reference that ours needs too."""
    for one in machine.everybody():
        if not one.writes_references:
            continue
        wanted = questions_of(run).filter(reference=[]).unanswered_by(one.judge.model)
        if any(wanted.filter(pk__in=questions_of(other)).exists() for other, _judge in _askers(run, [one])):
            return True
    return False


def _askers(run: Run, machines: Sequence[Machine]) -> list[tuple[Run, Judge]]:
    """The earlier runs at work, each with those of its judges that ask any of these machines, or are one of them."""
    earlier = list(Run.objects.judging_before(run))
    asked = {one.judge.pk for one in machines if one.model}
    if not earlier or not asked:
        return []
    hear = asked | Judge.objects.who_hear(asked)
    alike = [other for other in earlier if other.is_single == run.is_single]
    return [(other, judge) for other in alike for judge in other.judges.filter(pk__in=hear)]


def _ahead(other: Run, judge: Judge, questions: Sequence[int]) -> set[tuple]:
    """Keys of what this judge has yet to judge in the other run on these questions: once a panel has spoken, nobody in it is asked."""
    found: set[tuple] = set()
    for some in chunks(questions):
        theirs = list(questions_of(other).filter(pk__in=some).values_list("pk", flat=True))
        if theirs:
            found |= {item.key for item in undecided(other, judge, items_of(other, theirs), theirs)}
    return found
