"""Many people watching one run: its fragment is made once a second for all of them, and handed to each.

What a fragment holds depends on the language and on what its reader may do (`Sight`), and on nothing else of the reader: two
hundred leads who watch one run cost what one does, and one send each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.utils import translation

from arena.frame import LEADS, is_annotator, is_lead
from arena.models import Provenance
from arena.pumps import Pump
from judging.access import is_blind_on, runs_seen_by
from judging.models import Membership, Role, Run
from judging.monitoring import monitor

EVERY = 1.0  # seconds between two fragments, however often the bell rings
STALE = 5.0  # seconds after which a live run is looked at though no bell rang: minutes pass without one too


@dataclass(frozen=True)
class Sight:
    """What a reader of a run's page may do and see there."""

    may_steer: bool = False
    may_vote: bool = False
    blind: bool = False


@dataclass(frozen=True)
class Look:
    """All that one fragment differs from another by."""

    language: str
    sight: Sight


def sight_of(user: Any, run: Run) -> Sight | None:
    """What this person may do and see on the run's page; None who may not see it. At most eight queries."""
    if not runs_seen_by(user).filter(pk=run.pk).exists():
        return None
    return Sight(is_lead(user), is_annotator(user), is_blind_on(user, run.benchmark))


def sights_of(users: Iterable[int | None], run: Run) -> dict[int | None, Sight | None]:
    """As `sight_of` for all these people at once, by their id; None is a visitor.

    Six queries, however many they are; a few more for each adjudicator.
    """
    asked = set(users)
    known = get_user_model().objects.filter(pk__in=[pk for pk in asked if pk is not None])
    people = dict(known.values_list("pk", "is_superuser"))
    groups: dict[int, set[str]] = defaultdict(set)
    for pk, name in known.filter(groups__isnull=False).values_list("pk", "groups__name"):
        groups[pk].add(name)
    members = Membership.objects.filter(user__in=people, run__benchmark=run.benchmark_id)
    asked_on, invited, deciding = set[int](), set[int](), set[int]()
    for user, role, of in members.values_list("user", "role", "run"):
        asked_on.add(user)
        if of == run.pk and role == Role.VIEWER:
            invited.add(user)
        if role == Role.ADJUDICATOR:
            deciding.add(user)
    open_runs = Run.objects.filter(benchmark=run.benchmark_id, status=Run.Status.OPEN).order_by()
    open_for = set(open_runs.values_list("provenance", flat=True).distinct())

    def sight(pk: int | None) -> Sight | None:
        mine = groups[pk] if pk in people else frozenset[str]()
        lead = pk in people and (people[pk] or bool(mine & LEADS))
        if not (lead or "viewer" in mine or run.status == Run.Status.DONE or pk in invited):
            return None
        annotates = "annotator" in mine
        shut = bool(open_for) and not lead
        blind = shut and (open_for != {Provenance.DEMO} or annotates or pk in asked_on)
        return Sight(lead, annotates, blind)

    found = {pk: sight(pk) for pk in asked}
    decides = deciding | {pk for pk, mine in groups.items() if "adjudicator" in mine}
    seeing = [pk for pk in decides if (seen := found.get(pk)) and not seen.may_steer and not seen.blind]
    for user in known.filter(pk__in=seeing):
        found[user.pk] = replace(found[user.pk], blind=is_blind_on(user, run.benchmark))
    return found


def fragment(context: Mapping[str, Any], sight: Sight) -> str:
    """The live part of a run's page, of what `monitor` says, for whoever may see so much; in the language that is active."""
    seen = {"may_steer": sight.may_steer, "may_vote": sight.may_vote, "blind": sight.blind}
    return render_to_string("judging/_run_progress.html", {**context, **seen})


def fragments(
    pk: int, watchers: Iterable[tuple[int | None, str]]
) -> tuple[dict[tuple[int | None, str], Look], dict[Look, str]]:
    """For these (user, language): the look of each, without those who may see nothing, and the HTML of every look.

    The run is counted once for each language, and rendered once for each look.
    """
    watchers = set(watchers)
    run = Run.objects.select_related("benchmark", "baseline", "rubric").filter(pk=pk).first()
    if run is None:
        return {}, {}
    sights = sights_of({user for user, _language in watchers}, run)
    looks = {key: Look(key[1], sight) for key in watchers if (sight := sights[key[0]])}
    html: dict[Look, str] = {}
    for language in {look.language for look in looks.values()}:
        with translation.override(language):
            context = monitor(run)
            html |= {look: fragment(context, look.sight) for look in set(looks.values()) if look.language == language}
    return looks, html


class RunPump(Pump):
    """The fragments of one run; a live run is looked at without a bell too, because minutes pass without one."""

    def __init__(self, pk: int) -> None:
        super().__init__(topic_of(pk), partial(_shown, pk), every=EVERY, stale=STALE)

    def made(self, html: Mapping[Hashable, str | None]) -> None:
        self.stale = STALE if any("data-live" in text for text in html.values() if text) else None


def _shown(pk: int, kinds: Collection[Any]) -> dict[Hashable, str | None]:
    looks, html = fragments(pk, kinds)
    return {kind: html[look] for kind, look in looks.items()}


def topic_of(pk: int) -> str:
    """The bell that rings when the run has changed."""
    return f"run-{pk}"


async def sight_now(user: Any, pk: int) -> Sight | None:
    """What this person may see of the run now; None where that is nothing, or no such run."""

    def look() -> Sight | None:
        run = Run.objects.select_related("benchmark").filter(pk=pk).first()
        return sight_of(user, run) if run else None

    return await database_sync_to_async(look)()
