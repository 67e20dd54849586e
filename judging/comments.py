"""Words on items: hidden from other annotators until nobody votes on the item any longer."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet

from arena.models import Answer, Battle
from judging.access import may_adjudicate
from judging.models import AuditEntry, Comment, KeptOut, Run, VotingItem
from judging.models.judgment import JudgmentQuerySet

LONGEST = 2000


def of_item(item: Battle | Answer) -> dict[str, Any]:
    return {"answer": item} if isinstance(item, Answer) else {"battle": item}


def say(run: Run, item: Battle | Answer, author: Any, text: str) -> Comment | None:
    """Put a comment on an item, once however often it is sent; None for one that says nothing."""
    text = text.strip()[:LONGEST]
    if not text:
        return None
    with transaction.atomic():
        # locked: of two that are sent at once the second finds the first
        get_user_model().objects.select_for_update(no_key=True).get(pk=author.pk)
        if said := Comment.objects.filter(run=run, author=author, text=text, **of_item(item)).first():
            return said
        comment = Comment.objects.create(run=run, author=author, text=text, **of_item(item))
        AuditEntry.note("comment_made", actor=author, run=run, comment=comment.pk)
    return comment


def is_closed(run: Run, item: Battle | Answer) -> bool:
    """Whether nobody votes on this item in this run any longer: as many voted as were wanted, it was decided, or the run is over."""
    if run.status != Run.Status.OPEN:
        return True
    if VotingItem.objects.covered().filter(run=run, **of_item(item)).exists():
        return True
    judgments: JudgmentQuerySet = (item.grades if isinstance(item, Answer) else item.preferences).current()
    return judgments.filter(run=run, kept_out=KeptOut.ADJUDICATION).exists()


def visible_to(user: Any, item: Battle | Answer) -> QuerySet[Comment] | list[Comment]:
    """The comments on an item that this person may read: one's own, and others' once the item is closed in their run.

    Leads and adjudicators read all. Up to five queries for each run that people commented in.
    """
    if not user.is_authenticated:
        return []
    found = list(Comment.objects.filter(**of_item(item)).select_related("author", "run"))
    runs = {comment.run for comment in found}
    open_to = {run.pk for run in runs if may_adjudicate(user, run) or is_closed(run, item)}
    return [comment for comment in found if comment.author_id == user.pk or comment.run_id in open_to]
