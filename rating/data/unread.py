"""Battles on which a machine's word cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from arena.models import Benchmark
from judging.models import Judge, Preference
from rating.data.bulk import columns
from rating.data.record import Columns, Ints


@dataclass(frozen=True)
class Unread(Columns):
    """Preferences without a value, a row each: `item` is the battle, `cluster` the question; all (n,)."""

    judge: Ints
    cluster: Ints
    category: Ints
    turn: Ints


def unread(benchmark: Benchmark) -> Unread:
    """Every verdict of a machine on a pair that should have a value and has none, where the record counts it. One query."""
    failed = (
        Preference.objects.counting()
        .failed()
        .filter(
            ~Q(judge__kind__in=Judge.PEOPLE),
            battle__question__benchmark=benchmark,
            provenance__in=benchmark.counted_provenances,
        )
    )
    wanted = {
        "item": "battle",
        "judge": "judge",
        "cluster": "battle__question",
        "category": "battle__question__category",
        "turn": "turn",
    }
    return Unread(**columns(failed, **wanted))
