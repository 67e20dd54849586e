"""Which messages are due, and sending them: never in the way of a run, at least once, and not twice knowingly.

A message is a row before it is sent. What a crash keeps from being noted is found again by `catch_up`, and what it keeps
from being sent is due again when its lease runs out.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import time

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils import timezone

from arena.models import storable
from arena.withholding import SECRET_TEXT
from judging.calling import call_messenger
from judging.messages import KINDS, Message, Request, RunFacts, Sent, post_all, without_address
from judging.messages.base import TEST
from judging.models import Delivery, Run, Webhook
from judging.progress import progress
from judging.purse import spent

log = logging.getLogger(__name__)

PREFIX = "JURYROOM_WEBHOOK_"
MOST_ATTEMPTS = 5
LEASE = timedelta(seconds=90)  # in which whoever took a message sends it, or is dead
PATIENCE = timedelta(seconds=10)  # before the second try; four times as long before each further one
LOOK_BACK = timedelta(days=1)  # that what nobody noted is looked for
AT_ONCE = 100  # messages taken at a time

STARTED, FAILED, PAUSED, DONE, CANCELLED = "run_started", "run_failed", "run_paused", "run_done", "run_cancelled"
ENDS = {
    FAILED: Q(status=Run.Status.FAILED),
    PAUSED: Q(status=Run.Status.PAUSED) & ~Q(error=""),  # by its budget; whoever pauses it knows
    DONE: Q(status=Run.Status.DONE),
    CANCELLED: Q(status=Run.Status.CANCELLED),
}
"""What a run in such a state tells, since `finished_at`."""


@dataclass(frozen=True)
class NotSet(ValueError):
    """A webhook whose address is not to be had; `why` names the variable, never what it holds."""

    why: str


def is_variable(name: str) -> bool:
    """Whether a webhook may read this environment variable: only those named for it, so that none points at other secrets."""
    rest = name.removeprefix(PREFIX)
    return (
        name.startswith(PREFIX)
        and bool(rest)
        and rest.replace("_", "A").isalnum()
        and rest == rest.upper()
        and rest.isascii()
    )


def value_of(name: str) -> str:
    """What the environment holds under this name. Raises NotSet for a name that is not for webhooks, and for nothing."""
    if not is_variable(name):
        raise NotSet(f"{name} is not named {PREFIX}…")
    if value := os.environ.get(name, "").strip():
        return value
    raise NotSet(f"the environment variable {name} is not set")


def note(run: Run) -> None:
    """Put down the messages that are due for what `run` has come to, and ring for a worker. It raises nothing and waits for nothing.

    One query where nobody listens.
    """
    try:
        found = sum(_noted(webhook, Q(pk=run.pk)) for webhook in Webhook.objects.filter(is_on=True))
    except Exception:  # whatever it is, the run goes on, and the clock looks again
        log.exception("run %s: its messages could not be noted yet", run.pk)
        return
    if found:
        _ring()


def catch_up() -> None:
    """Note what nobody noted, of the last LOOK_BACK. A query where nobody listens, else a few for each webhook."""
    for webhook in Webhook.objects.filter(is_on=True):
        _noted(webhook, Q())


def _noted(webhook: Webhook, which: Q) -> int:
    """Make the messages that are missing for this webhook, of these runs; how many. The row of the webhook is the lock."""
    since = max(webhook.created_at, timezone.now() - LOOK_BACK)
    if not any(rows.exists() for _event, rows in _missing(webhook, which, since)):
        return 0
    with transaction.atomic():
        held = Webhook.objects.select_for_update(no_key=True).filter(pk=webhook.pk, is_on=True).first()
        if held is None:
            return 0
        due = [(event, run) for event, rows in _missing(held, which, since) for run in rows]
        Delivery.objects.bulk_create(Delivery(webhook=held, run=run, event=event) for event, run in due)
    return len(due)


def _missing(webhook: Webhook, which: Q, since: datetime) -> Iterable[tuple[str, QuerySet[Run]]]:
    """Each event that the webhook hears, with the runs it has not heard it of."""
    runs = Run.objects.filter(which).exclude(recipe__has_key="imported").order_by("pk")
    for event in webhook.events:
        when = "started_at" if event == STARTED else "finished_at"
        state = Q() if event == STARTED else ENDS.get(event)
        if state is None:
            continue
        told = Delivery.objects.filter(webhook=webhook, run=OuterRef("pk"), event=event, created_at__gte=OuterRef(when))
        yield event, runs.filter(state, **{f"{when}__gte": since}).exclude(Exists(told))


def send_test(webhook: Webhook) -> Delivery:
    """Queue a test message, whatever the webhook listens to and whether it is on."""
    made = Delivery.objects.create(webhook=webhook, event=TEST)
    _ring()
    return made


def _ring() -> None:
    transaction.on_commit(call_messenger)


def is_any_due() -> bool:
    """Whether any message waits to be sent now. One query, by an index of its own."""
    return Delivery.objects.filter(status=Delivery.Status.DUE, due_at__lte=timezone.now()).exists()


def send_due() -> int:
    """Send what is due, many at a time; how many were tried. At the longest it takes as long as the slowest of them may."""
    taken = _take()
    prepared = [_prepared(delivery) for delivery in taken]
    posts = [one for one in prepared if not isinstance(one, Sent)]
    results = iter(post_all([(request, KINDS[kind].failure) for request, kind in posts]))
    for delivery, made in zip(taken, prepared, strict=True):
        _settle(delivery, made if isinstance(made, Sent) else next(results))
    return len(taken)


def _take() -> list[Delivery]:
    """The messages that are due, taken so that nobody else sends them for LEASE."""
    now = timezone.now()
    due = Delivery.objects.filter(status=Delivery.Status.DUE, due_at__lte=now).order_by("due_at", "pk")
    taken = []
    for delivery in due.select_related("webhook", "run__benchmark")[:AT_ONCE]:
        mine = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.DUE, due_at=delivery.due_at)
        if mine.update(due_at=now + LEASE, attempts=delivery.attempts + 1):
            delivery.attempts += 1
            taken.append(delivery)
    return taken


def _prepared(delivery: Delivery) -> tuple[Request, str] | Sent:
    """What is posted for this message, with its kind; or why nothing can be."""
    webhook = delivery.webhook
    try:
        url = value_of(webhook.url_env)
        secret = value_of(webhook.secret_env) if webhook.secret_env else ""
        made = KINDS[webhook.kind].request(message_of(delivery), url=url, secret=secret, at=time())
    except NotSet as missing:
        return Sent(missing.why)
    except Exception as error:  # one message that cannot be made keeps no other waiting
        log.exception("message %s could not be made", delivery.pk)
        return Sent(f"it could not be made ({type(error).__name__})")
    return made, webhook.kind


def message_of(delivery: Delivery) -> Message:
    """What a delivery tells. A handful of queries where it is about a run."""
    facts = facts_of(delivery.run) if delivery.run else None
    return Message(delivery.event, delivery.pk, delivery.created_at.isoformat(), delivery.webhook.language, facts)


def facts_of(run: Run) -> RunFacts:
    """What messages tell of a run: how far it is, never what was answered, nor what looks like a key."""
    now = progress(run)
    return RunFacts(
        id=run.pk,
        name=run.name,
        status=run.status,
        benchmark=str(run.benchmark),
        models=tuple(run.candidates.order_by("name", "version").values_list("name", flat=True)),
        provenance=run.provenance,
        done=now.done,
        failed=now.failed,
        total=now.total,
        spent=spent(run),
        budget=run.budget,
        reason=SECRET_TEXT.sub("…", run.error) if run.status in (Run.Status.FAILED, Run.Status.PAUSED) else "",
        link=link_to(run),
    )


def link_to(run: Run) -> str:
    """The address of the run's page; "" where nobody told the site its own address."""
    return f"{settings.SITE_URL}{reverse('run', args=[run.pk])}" if settings.SITE_URL else ""


def _settle(delivery: Delivery, sent: Sent) -> None:
    """Put down what became of a try: sent, due again later, or given up."""
    now = timezone.now()
    mine = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.DUE)
    if sent.arrived:
        mine.update(status=Delivery.Status.SENT, sent_at=now, error="")
        return
    error = storable(
        without_address(
            sent.error, url=_or_nothing(delivery.webhook.url_env), secret=_or_nothing(delivery.webhook.secret_env)
        )
    )
    log.warning("message %s to %s: %s", delivery.pk, delivery.webhook, error)
    if sent.is_final or delivery.attempts >= MOST_ATTEMPTS:
        mine.update(status=Delivery.Status.FAILED, error=error)
        return
    mine.update(due_at=now + wait_after(delivery.attempts, sent.retry_after), error=error)


def _or_nothing(name: str) -> str:
    try:
        return value_of(name)
    except NotSet:
        return ""


def wait_after(attempts: int, retry_after: float | None = None) -> timedelta:
    """How long after so many tries the next one is due: what the other side asked for, where that is longer."""
    return max(PATIENCE * 4 ** (attempts - 1), timedelta(seconds=retry_after or 0))


def last_of(webhooks: Iterable[Webhook], *, most: int = 5) -> dict[int, list[Delivery]]:
    """The newest messages of each of these that has any, by the webhook's id. One query."""
    place = Window(RowNumber(), partition_by=F("webhook"), order_by=F("pk").desc())
    rows = Delivery.objects.filter(webhook__in=list(webhooks)).select_related("run")
    found: dict[int, list[Delivery]] = {}
    for row in rows.annotate(place=place).filter(place__lte=most).order_by("-pk"):
        found.setdefault(row.webhook_id, []).append(row)
    return found
