"""Who may see what of runs and of the record."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from arena.frame import is_annotator, is_lead
from arena.models import Benchmark, Provenance
from judging.models import Grade, Judge, Preference, Run


def runs_seen_by(user) -> QuerySet[Run]:
    """Leads see every run; everybody else sees those that ended well, as the origin of what the boards show."""
    return Run.objects.all() if is_lead(user) else Run.objects.filter(status=Run.Status.DONE)


def is_blind_on(user, benchmark: Benchmark) -> bool:
    """Whether names and judgments on the benchmark are kept from this reader, because people are asked to vote on it.

    From everybody but leads, visitors too: an annotator could sign out and look. A demo is there to be looked at, so
    that only its annotators are kept blind. At most three queries; one where nothing is open.
    """
    votes = Run.objects.filter(benchmark=benchmark, status=Run.Status.OPEN).order_by()
    open_for = set(votes.values_list("provenance", flat=True).distinct())
    if not open_for or is_lead(user):
        return False
    return open_for != {Provenance.DEMO} or is_annotator(user)


def name_people(judgments: Iterable[Preference | Grade], user) -> None:
    """Put `who` on the judgments of people with an account, whose names are for leads: "you", or a number.

    The numbers follow the order in which people began to judge, and hold for these judgments. At most one query.
    """
    by_people = [one for one in judgments if one.judge.kind == Judge.Kind.PERSON]
    if not by_people or is_lead(user):
        return
    numbers = {pk: number for number, pk in enumerate(sorted({one.judge_id for one in by_people}), start=1)}
    for one in by_people:
        is_reader = one.judge.user_id == user.pk
        one.who = _("you") if is_reader else _("person %(number)d") % {"number": numbers[one.judge_id]}
