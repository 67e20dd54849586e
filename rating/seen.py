"""Which figures a reader may see: while people vote on a benchmark, whoever votes sees those of a week's votes at once, and none that
moves with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, Subquery
from django.http import Http404
from django.utils.translation import gettext as _

from arena.models import Benchmark
from judging.access import Held, figures_held
from rating.boards import latest
from rating.models import Leaderboard, Snapshot


@dataclass(frozen=True)
class Seen:
    """What a reader may see of snapshots; `held` has by benchmark which are kept from this reader."""

    held: Mapping[int, Held]

    @classmethod
    def of(cls, user: Any, benchmark: Benchmark | None = None) -> Seen:
        """Of one benchmark, or of all. At most nine queries; one for a visitor where nothing is open."""
        return cls(figures_held(user, benchmark))

    def is_held(self, benchmark: Benchmark) -> bool:
        """Whether newer figures of this benchmark are kept back."""
        return benchmark.pk in self.held

    def more(self, benchmark: Benchmark) -> datetime | None:
        """When newer figures of this benchmark follow that are kept back; None where none are."""
        held = self.held.get(benchmark.pk)
        return held.more if held else None

    def of_these(self, rows: QuerySet[Any], of: str = "") -> QuerySet[Any]:
        """Those of these snapshots that are not kept back; of rows that belong to snapshots, by `of` as in "snapshot__"."""
        for benchmark, held in self.held.items():
            late, newer = Q(**{f"{of}created_at__gte": held.end}), Q(**{f"{of}created_at__gte": held.since})
            before = Snapshot.objects.filter(leaderboard__benchmark=benchmark, created_at__lt=held.end).order_by("-pk")
            passed = newer & ~Q(**{f"{of}pk": Subquery(before.values("pk")[:1])})
            rows = rows.exclude(Q(**{f"{of}leaderboard__benchmark": benchmark}) & (late | passed))
        return rows

    def snapshot(self, pk: int) -> Snapshot:
        """This one, with its benchmark loaded. One query; another where figures are kept back. Raises Http404, PermissionDenied."""
        found = Snapshot.objects.select_related("leaderboard__benchmark").filter(pk=pk).first()
        if found is None:
            raise Http404
        is_held = found.leaderboard.benchmark_id in self.held
        if is_held and not self.of_these(Snapshot.objects.filter(pk=pk)).exists():
            raise _kept_back()
        return found

    def votes_of(self, benchmark: Benchmark) -> None:
        """Nothing where this reader may see figures that count votes as they come. Raises PermissionDenied where not."""
        if self.is_held(benchmark):
            raise _kept_back()

    def latest(self, benchmark: Benchmark) -> Snapshot | None:
        """The benchmark's current snapshot, or the last that is not kept back; None where there is none. One query."""
        if not self.is_held(benchmark):
            return latest(benchmark)
        mine = Snapshot.objects.filter(leaderboard__benchmark=benchmark).order_by("-pk")
        return self.of_these(mine).select_related("leaderboard__benchmark").first()

    def current(self) -> QuerySet[Snapshot]:
        """The same of every benchmark. A query for each that is held, before the set's own."""
        boards = Leaderboard.objects.exclude(benchmark__in=list(self.held))
        held = [self.latest(one) for one in Benchmark.objects.filter(pk__in=list(self.held))]
        return Snapshot.objects.filter(Q(pk__in=boards.values("current")) | Q(pk__in=[one.pk for one in held if one]))


def _kept_back() -> PermissionDenied:
    return PermissionDenied(
        _("People are voting on this benchmark: what may count their votes opens when they are done.")
    )


EVERYTHING = Seen({})
"""What somebody sees from whom nothing is kept."""
