"""What changed from one snapshot of a board to another, told in a sentence or two. From rows that are kept; nothing is rated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from rating.models import Rating, Snapshot
from rating.recipe_words import differences

NAMED = 3  # so many models are named in a sentence; of more, how many
ROW = ("model", "model__name", "rating", "low", "high", "rank", "rank_low", "rank_high", "n")


@dataclass(frozen=True)
class Standing:
    """One model on one board of one snapshot."""

    model: int
    name: str
    rating: float | None
    low: float | None
    high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    n: int

    @property
    def ranks(self) -> str:
        """The rank with the range the data allow, "2" or "1–3"; empty when unranked."""
        if self.rank is None:
            return ""
        low, high = self.rank_low or self.rank, self.rank_high or self.rank
        return str(low) if low == high else f"{low}–{high}"


@dataclass(frozen=True)
class Overall:
    """The overall board of a snapshot, all votes, best first: by Bradley–Terry, or by scores where there are no pairs."""

    method: str = Rating.Method.BT
    rows: list[Standing] = field(default_factory=list)

    @property
    def by_model(self) -> dict[int, Standing]:
        return {row.model: row for row in self.rows}

    @property
    def leaders(self) -> list[Standing]:
        return [row for row in self.rows if row.rank == 1]


@dataclass(frozen=True)
class Moved:
    """A model whose whole rank range lies above or below where it lay before."""

    before: Standing
    after: Standing

    @property
    def is_up(self) -> bool:
        return (self.after.rank or 0) < (self.before.rank or 0)


def overall(snapshots: Iterable[Snapshot]) -> dict[int, Overall]:
    """The overall board of each snapshot, by id. One query."""
    ids = [one.pk for one in snapshots]
    rows = Rating.objects.filter(snapshot__in=ids, source=Rating.ALL, category=None, language="")
    rows = rows.filter(method__in=(Rating.Method.BT, Rating.Method.SCORE)).order_by("rank", "model__name")
    found: dict[tuple[int, str], list[Standing]] = {}
    for snapshot, method, *told in rows.values_list("snapshot", "method", *ROW):
        found.setdefault((snapshot, method), []).append(Standing(*told))
    return {one: _first_of(found, one) for one in ids}


def _first_of(found: Mapping[tuple[int, str], list[Standing]], snapshot: int) -> Overall:
    methods = (str(Rating.Method.BT), str(Rating.Method.SCORE))
    return next((Overall(one, found[snapshot, one]) for one in methods if (snapshot, one) in found), Overall())


def moved(before: Iterable[Standing], after: Iterable[Standing]) -> list[Moved]:
    """The models that surely changed places, in their order after: rank ranges that do not meet."""
    then = {row.model: row for row in before}
    pairs = [Moved(then[row.model], row) for row in after if row.model in then]
    return [one for one in pairs if _is_apart(one.before, one.after)]


def _is_apart(one: Standing, other: Standing) -> bool:
    if None in (one.rank_low, one.rank_high, other.rank_low, other.rank_high):
        return False
    return one.rank_high < other.rank_low or other.rank_high < one.rank_low


def sentences(before: Snapshot | None, after: Snapshot, boards: Mapping[int, Overall]) -> list[str]:
    """What a reader of `after` should know who saw `before`: leader, places, models, judgments, recipe. No query."""
    if before is None:
        return [_("The first snapshot.")]
    then, now = boards[before.pk], boards[after.pk]
    found = [*_leader(then, now), *_places(then, now), *_models(then, now), *_judgments(before.n, after.n)]
    found += _recipe(before, after)
    return found or [_("The same judgments, counted anew.")]


def _leader(then: Overall, now: Overall) -> list[str]:
    old, new = (names(row.name for row in board.leaders) for board in (then, now))
    if not new or not old or old == new:
        return []
    return [_("New leader: %(new)s, before it was %(old)s.") % {"new": new, "old": old}]


def _places(then: Overall, now: Overall) -> list[str]:
    if then.method != now.method:
        return []
    found = moved(then.rows, now.rows)
    told = [_move(one) for one in found[:NAMED]]
    if len(found) > NAMED:
        more = len(found) - NAMED
        told.append(ngettext("%(n)d more moved.", "%(n)d more moved.", more) % {"n": more})
    return told


def _move(one: Moved) -> str:
    words = {"model": one.after.name, "old": one.before.ranks, "new": one.after.ranks}
    if one.is_up:
        return _("%(model)s rose from %(old)s to %(new)s.") % words
    return _("%(model)s fell from %(old)s to %(new)s.") % words


def _models(then: Overall, now: Overall) -> list[str]:
    come = [row.name for row in now.rows if row.model not in then.by_model]
    gone = [row.name for row in then.rows if row.model not in now.by_model]
    told = [_("New models: %(names)s.") % {"names": names(come)}] if come else []
    return told + ([_("No longer there: %(names)s.") % {"names": names(gone)}] if gone else [])


def _judgments(then: int, now: int) -> list[str]:
    more = now - then
    if not more:
        return []
    words = {"n": intcomma(abs(more))}
    if more > 0:
        return [ngettext("%(n)s more judgment.", "%(n)s more judgments.", more) % words]
    return [ngettext("%(n)s judgment fewer.", "%(n)s judgments fewer.", -more) % words]


def _recipe(before: Snapshot, after: Snapshot) -> list[str]:
    keys = differences(before.recipe, after.recipe)
    told = [_("Another recipe: %(keys)s.") % {"keys": names(keys, most=len(keys))}] if keys else []
    if before.code_version != after.code_version:
        words = {"old": before.code_version, "new": after.code_version}
        told.append(_("Other code: %(old)s, now %(new)s.") % words)
    return told


def names(of: Iterable[str], *, most: int = NAMED) -> str:
    """The names as a list in the reader's language; of more than `most`, how many more."""
    told = list(of)
    comma = pgettext("between names", ", ")
    if len(told) <= most:
        return comma.join(told)
    more = len(told) - most
    return _("%(names)s and %(n)d more") % {"names": comma.join(told[:most]), "n": more}
