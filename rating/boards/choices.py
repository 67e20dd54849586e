"""Which boards a snapshot holds, to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.cache import cache
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from arena.models import Category, in_reader_language
from rating.boards.board import METHODS, SOURCES
from rating.models import Rating, Snapshot

LANGUAGE_NAMES = {"en": _("English"), "zh": _("Chinese")}
SOURCE_NAMES = {
    Rating.ALL: _("people and judges"),
    Rating.PEOPLE: _("people"),
    Rating.JUDGES: _("judges"),
    Rating.CALIBRATED: _("people, helped by judges"),
}
KEPT = 3600  # seconds; a snapshot never changes, so that this is only to forget it one day


@dataclass(frozen=True)
class Group:
    """Categories of one kind: its name, its own board where `category` is not None, and its members."""

    name: str
    category: Category | None
    members: list[Category]


@dataclass(frozen=True)
class Choices:
    """Which boards a snapshot holds: (source, method, category id or None) of each, the categories, kinds of them, languages.

    `categories` are those that questions are in. `kinds` are groups of them with a board of their own, or the kinds of the
    grouping that the snapshot was taken by, whose title is `grouping`.
    """

    held: frozenset[tuple[str, str, int | None]]
    categories: list[Category]
    kinds: list[Category] = ()  # type: ignore[assignment]
    languages: Sequence[str] = ()
    grouping: str = ""
    members: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def sources(self) -> list[str]:
        """The sources to choose from that are not one judge: all but the calibrated one, and that where there is one."""
        return [one for one in SOURCES if one != Rating.CALIBRATED or any(one == held for held, _, _ in self.held)]

    @property
    def judges(self) -> list[str]:
        """Sources that are one judge, as "judge:NAME"."""
        return sorted({source for source, method, category in self.held if source not in SOURCES})

    @cached_property
    def groups(self) -> list[Group]:
        """The categories under their groups, or under the kinds of the snapshot's grouping, in reading order."""
        return self._by_grouping() if self.members else self._by_group()

    def _by_group(self) -> list[Group]:
        boards = {one.pk: one for one in self.kinds}
        grouped: dict[Category | None, list[Category]] = {}
        for category in self.categories:
            grouped.setdefault(category.group, []).append(category)
        return [Group(one.name if one else "", boards.get(one and one.pk), mine) for one, mine in grouped.items()]

    def _by_grouping(self) -> list[Group]:
        categories = {one.key: one for one in self.categories}
        boards = {one.key: one for one in self.kinds}
        found = []
        for key, of in self.members:
            mine = [categories.pop(one) for one in of if one in categories]
            kind = boards.get(key)
            if mine:
                found.append(Group(kind.name if kind else key.partition(":")[2], kind, mine))
        return found + ([Group("", None, list(categories.values()))] if categories else [])

    @property
    def language_names(self) -> list[tuple[str, Any]]:
        """Each language with its name as readers know it."""
        return [(code, language_name(code)) for code in self.languages]

    def method(self, source: str) -> str:
        """The method to show when the reader named none: the first there is for this source."""
        there = {method for held_source, method, _ in self.held if held_source == source}
        return next((method for method in METHODS if method in there), METHODS[0])


def source_name(source: str) -> Any:
    """Whose votes these are, in the reader's words; one judge by its name."""
    return SOURCE_NAMES.get(source, source.removeprefix("judge:"))


def language_name(code: str) -> Any:
    """The name of a language of questions in the reader's language; the code where nobody knows it."""
    if code.split("-")[0] in LANGUAGE_NAMES:
        return LANGUAGE_NAMES[code.split("-")[0]]
    try:
        return get_language_info(code)["name_translated"]
    except KeyError:
        return code


def choices(snapshot: Snapshot | None) -> Choices:
    """What `snapshot` holds. Two queries, or one where it was asked for lately."""
    if snapshot is None:
        return Choices(frozenset(), [])
    rows = _held(snapshot)
    held = frozenset(tuple(row[:3]) for row in rows)
    ids = {category for _source, _method, category in held if category is not None}
    found = list(Category.objects.filter(pk__in=ids).select_related("group"))
    grouping = snapshot.recipe.get("grouping") or {}
    kinds = {category.group_id for category in found} | {
        category.pk for category in found if category.key.startswith(f"{grouping.get('name')}:")
    }
    single = [category for category in found if category.pk not in kinds]
    return Choices(
        held,
        single,
        kinds=[category for category in found if category.pk in kinds],
        languages=sorted({row[3] for row in rows if row[3]}),
        grouping=in_reader_language(grouping.get("title_en", ""), grouping.get("title_zh", "")) or grouping.get("name", ""),
        members=tuple((f"{grouping['name']}:{kind['key']}", tuple(kind["of"])) for kind in grouping.get("kinds", ())),
    )  # fmt: skip


def _held(snapshot: Snapshot) -> list[tuple[str, str, int | None, str]]:
    """(source, method, category, language) of every board. At most one query: what a snapshot holds never changes."""
    key = f"held-{snapshot.pk}-{snapshot.created_at.timestamp()}"
    rows = cache.get(key)
    if rows is None:
        found = snapshot.ratings.order_by().values_list("source", "method", "category", "language").distinct()
        rows = list(found)
        cache.set(key, rows, KEPT)
    return rows
