"""How much a further vote on an item would tell: what people are asked next, once everything is covered.

Three things make an item urgent: machine judges are apart on it, the interval of the difference between its two models is
wide, people's votes on it so far are split. Nothing here changes who holds an item or how many voted on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Avg, Case, Count, F, FloatField, Max, Sum, Value, When

from judging.models import Grade, Preference, Run, VotingItem
from judging.voting import Voting
from rating.models import Leaderboard, Rating

AT_ONCE = 500  # items a chunk
EVERY = 60  # seconds between two looks at a run, at the least
HALF = 200.0  # points on the Elo scale: an interval so wide is half of what a wide one adds
SPLIT = 0.5

Width = dict[tuple[int | None, int], float]
"""How wide the interval of a model is, by (category or None for all, model)."""


def refresh() -> int:
    """Weigh the items of every open run that asks for it, at most once a minute and only where something came; how many runs."""
    runs = Run.objects.filter(status=Run.Status.OPEN).select_related("benchmark")
    due = [run for run in runs if Voting.of(run).urgent and _is_due(run)]
    for run in due:
        weigh(run)
    return len(due)


def _is_due(run: Run) -> bool:
    """Whether a minute has passed and the run's votes or its board have changed since. Two queries; none within the minute."""
    if not cache.add(f"urgency-looked-{run.pk}", True, EVERY):
        return False
    items = VotingItem.objects.filter(run=run).aggregate(n=Count("pk"), done=Sum("done"), last=Max("pk"))
    board = Leaderboard.objects.filter(benchmark=run.benchmark_id).values_list("changes", "current").first()
    seen = repr((sorted(items.items()), board))
    if cache.get(f"urgency-seen-{run.pk}") == seen:
        return False
    cache.set(f"urgency-seen-{run.pk}", seen, None)
    return True


def weigh(run: Run) -> int:
    """Write on the run's items how urgent they are; how many changed. Three queries for each AT_ONCE items, two more where any changed, and two."""
    widths = {} if run.is_single else _widths(run)
    changed = 0
    for items in _chunks(run):
        apart = _marks_apart(run, items) if run.is_single else _verdicts_apart(run, items)
        new = []
        for item in items:
            urgency = round(_Weight(item, apart, widths).total, 2)
            if urgency != item.urgency:
                item.urgency = urgency
                new.append(item)
        changed += _written(new)
    return changed


@transaction.atomic
def _written(items: list[VotingItem]) -> int:
    """Write the urgency of these items; how many. Two queries, and one statement carried out for each.

    An item that somebody is just taking is left as it is until the next look: who gives out seats does not wait for us.
    """
    if not items:
        return 0
    free = VotingItem.objects.filter(pk__in=[item.pk for item in items]).select_for_update(
        skip_locked=True, no_key=True
    )
    mine = set(free.order_by("pk").values_list("pk", flat=True))
    sql = f"UPDATE {VotingItem._meta.db_table} SET urgency = %s WHERE id = %s"  # noqa: S608
    with connection.cursor() as cursor:  # a tenth of the time of one statement with a case for each
        cursor.executemany(sql, [(item.urgency, item.pk) for item in items if item.pk in mine])
    return len(mine)


@dataclass(frozen=True)
class _Weight:
    """What makes one item urgent: `apart` and `widths` as they are found for its chunk and its run."""

    item: VotingItem
    apart: dict[int, float]
    widths: Width

    @property
    def total(self) -> float:
        on = self.item.answer_id or self.item.battle_id
        width = 0.0 if self.item.answer_id else self._width()
        return self.apart.get(on, 0.0) + width + (SPLIT if self.item.is_split else 0.0)

    def _width(self) -> float:
        """How wide the interval of the pair's difference is, 0..1; 1 where there is none yet: a vote tells most there."""
        one, other = (self._of(getattr(self.item.battle, name)) for name in ("first_model_id", "second_model_id"))
        if one is None or other is None:
            return 1.0
        difference = hypot(one, other)
        return difference / (difference + HALF)

    def _of(self, model: int) -> float | None:
        """The width of the model's interval in the item's category; over all where it has none there."""
        return self.widths.get((self.item.category_id, model), self.widths.get((None, model)))


def _chunks(run: Run) -> Iterator[list[VotingItem]]:
    """The run's items that may be given out, in the order of their ids. One query each."""
    last = 0
    rows = VotingItem.objects.filter(run=run, is_out=False).order_by("pk")
    fields = ("urgency", "is_split", "category", "answer", "battle__first_model", "battle__second_model")
    if run.is_single:
        rows = rows.only(*fields[:4])
    else:
        rows = rows.select_related("battle").only(*fields)
    while items := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        yield items
        last = items[-1].pk


def _widths(run: Run) -> Width:
    """How wide the intervals of the board's current snapshot are, of all votes together. Two queries."""
    board = Leaderboard.objects.filter(benchmark=run.benchmark_id).first()
    if board is None or board.current_id is None:
        return {}
    rows = Rating.objects.filter(
        snapshot=board.current_id, source=Rating.ALL, method=Rating.Method.BT, language="", low__isnull=False
    )
    found = rows.order_by().values_list("category", "model", "low", "high")
    return {(category, model): high - low for category, model, low, high in found}


def _verdicts_apart(run: Run, items: list[VotingItem]) -> dict[int, float]:
    """How far machine judges are apart on each battle, 0..1: 1 where half of them decide for each side. One query."""
    decided = Case(
        When(value__gte=1, then=Value(1.0)),
        When(value__lte=-1, then=Value(-1.0)),
        default=F("value"),
        output_field=FloatField(),
    )
    return _apart(run, Preference.objects.filter(battle__in=[item.battle_id for item in items]), "battle", decided)


def _marks_apart(run: Run, items: list[VotingItem]) -> dict[int, float]:
    """How far the marks of machine judges on each answer are apart, 0..1: 1 where half of them give the lowest. One query."""
    scale = F("rubric__highest") - F("rubric__lowest")
    share = 2.0 * (F("score") - F("rubric__lowest")) / scale - 1.0
    return _apart(run, Grade.objects.filter(answer__in=[item.answer_id for item in items]), "answer", share)


def _apart(run: Run, rows: Any, item: str, value: Any) -> dict[int, float]:
    """The standard deviation of what machine judges said of each item, as numbers in [-1, 1]; 0 with one verdict alone."""
    rows = rows.counting().decided().by_machines().filter(provenance__in=run.benchmark.counted_provenances)
    said = rows.order_by().values_list(item).annotate(mean=Avg(value), square=Avg(value * value))
    return {pk: min(1.0, sqrt(max(0.0, square - mean * mean))) for pk, mean, square in said}
