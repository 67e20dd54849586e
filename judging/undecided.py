"""Which items for adjudicators a person may still decide."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from judging.models import Assignment, Grade, KeptOut, Preference, VotingItem

TABLES = {"battle": Preference, "answer": Grade}


def undecided_by(items: QuerySet[VotingItem], who: Q) -> QuerySet[VotingItem]:
    """Those of these items without a decision in their run, which this person neither voted nor passed on.

    `who` are seats by whose they are, as `Q(judge=…)`.
    """
    for field, table in TABLES.items():
        here = {"run": OuterRef("run"), field: OuterRef(field)}
        decided = table.objects.current().filter(kept_out=KeptOut.ADJUDICATION, **here)
        behind = Assignment.objects.filter(who, **here)
        behind = behind.exclude(purpose=Assignment.Purpose.ADJUDICATION, status=Assignment.Status.LEASED)
        items = items.exclude(Exists(decided)).exclude(Exists(behind))
    return items
