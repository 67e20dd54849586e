"""What differs between two rubrics, dimension by dimension and word by word; nothing is asked of the database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.utils.translation import gettext as _

from judging import rubric_fields
from judging.rubric_fields import CASES, DIMENSIONS, LEVELS, POINT_LISTS, POINTS, TEMPLATE, Box

ADDED, REMOVED, CHANGED, SAME = "added", "removed", "changed", "same"
MOST_WORDS = 3_000  # of both texts together; longer ones are shown whole
# Chinese and Japanese by character, other words whole, blanks and signs by themselves.
TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|\s+|.", re.DOTALL)
Data = Mapping[str, Any]


@dataclass(frozen=True)
class Piece:
    """A stretch of text, and whether both have it or only the earlier ("removed") or the later one ("added")."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """One field that differs: what it was and what it is, in pieces; empty where it said nothing."""

    label: str
    lang: str
    old: tuple[Piece, ...]
    new: tuple[Piece, ...]

    @property
    def kind(self) -> str:
        if not self.old:
            return ADDED
        return CHANGED if self.new else REMOVED


@dataclass(frozen=True)
class Group:
    """What changed of one thing: the rubric as a whole, a dimension, a deduction. `kind` says whether it came, went or changed."""

    title: str
    kind: str
    changes: tuple[Change, ...]


def compare(one: Data, other: Data) -> list[Group]:
    """What changed from `one` to `other`, both data of rubrics; [] where they say the same. Fields without words are left out."""
    whole = (*rubric_fields.TOP, *rubric_fields.INSTRUCTIONS)
    found = list(_thing(_("The whole"), one, other, whole)) + list(_said(one, other, ""))
    variants = (one.get("variants") or {}, other.get("variants") or {})
    for category in [*variants[0], *(key for key in variants[1] if key not in variants[0])]:
        before, after = (side.get(category) for side in variants)
        title = _("Variant for %(category)s") % {"category": category}
        kind = ADDED if before is None else REMOVED if after is None else CHANGED
        inner = list(_thing(title, before or {}, after or {}, rubric_fields.INSTRUCTIONS, kind=kind))
        inner += _said(before or {}, after or {}, f"{title} · ")
        found += inner or ([Group(title, kind, ())] if kind != CHANGED else [])
    return found


def _said(one: Data, other: Data, stem: str) -> Iterator[Group]:
    """Dimensions, points and template, which a rubric and a variant both can say."""
    yield from _rows(stem + _("Dimension"), one.get("dimensions"), other.get("dimensions"), DIMENSIONS.boxes)
    points = (one.get("points") or {}, other.get("points") or {})
    yield from _thing(stem + _("Points"), *points, POINTS)
    for of, word in zip(POINT_LISTS, (_("Deduction"), _("Bonus")), strict=True):
        yield from _rows(stem + word, points[0].get(of.key), points[1].get(of.key), of.boxes)
    templates = (one.get("template") or {}, other.get("template") or {})
    yield from _thing(stem + _("Published prompt"), *templates, TEMPLATE)
    yield from _cases(stem + _("Published prompt"), *(each.get("cases") or () for each in templates))


def _cases(word: str, one: Sequence[Data], other: Sequence[Data]) -> Iterator[Group]:
    """Prompts by the cases that they are for."""
    named = CASES.boxes[:2]
    before, after = (
        {" · ".join(str(box.words[row.get(box.key) or ""]) for box in named): row for row in rows}
        for rows in (one, other)
    )
    for case in [*before, *(case for case in after if case not in before)]:
        kind = REMOVED if case not in after else ADDED if case not in before else CHANGED
        yield from _thing(f"{word} · {case}", before.get(case, {}), after.get(case, {}), TEMPLATE, kind=kind)


def _rows(word: str, one: Sequence[Data] | None, other: Sequence[Data] | None, boxes: Sequence[Box]) -> Iterator[Group]:
    before, after = ({row.get("key", ""): row for row in rows or ()} for rows in (one, other))
    for key in [*before, *(key for key in after if key not in before)]:
        kind = REMOVED if key not in after else ADDED if key not in before else CHANGED
        yield from _thing(f"{word} {key}", before.get(key, {}), after.get(key, {}), boxes[1:], kind=kind)
    kept = [[key for key in rows if key in before and key in after] for rows in (before, after)]
    if kept[0] != kept[1]:
        orders = tuple((Piece(SAME, ", ".join(rows)),) for rows in kept)
        yield Group(word, CHANGED, (Change(_("Order"), "", *orders),))


def _thing(title: str, one: Data, other: Data, boxes: Sequence[Box], *, kind: str = CHANGED) -> Iterator[Group]:
    """What changed in these fields, and in words of levels; nothing where nothing did, unless the thing came or went."""
    changes = [_change(str(box.label), box.lang, _shown(one, box), _shown(other, box)) for box in boxes]
    changes += _levels(one.get("levels"), other.get("levels"))
    kept = tuple(change for change in changes if change)
    if kept or kind != CHANGED:
        yield Group(title, kind, kept)


def _levels(one: Sequence[Data] | None, other: Sequence[Data] | None) -> Iterator[Change | None]:
    before, after = ({float(row["mark"]): row for row in rows or ()} for rows in (one, other))
    for mark in sorted({*before, *after}):
        for box in LEVELS.boxes[1:]:
            label = f"{_('Mark')} {mark:g} · {box.label}"
            yield _change(label, box.lang, _shown(before.get(mark, {}), box), _shown(after.get(mark, {}), box))


def _shown(said: Data, box: Box) -> str:
    value = said.get(box.key, box.usual)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _change(label: str, lang: str, old: str, new: str) -> Change | None:
    if old == new:
        return None
    pieces = word_by_word(old, new)
    kept = [tuple(piece for piece in pieces if piece.kind in (SAME, side)) for side in (REMOVED, ADDED)]
    return Change(label, lang, *kept)


def word_by_word(old: str, new: str) -> list[Piece]:
    """Both texts as one: what they share, and what only one has. Very long ones are taken as wholes."""
    a, b = TOKEN.findall(old), TOKEN.findall(new)
    if len(a) + len(b) > MOST_WORDS:
        return [Piece(kind, text) for kind, text in ((REMOVED, old), (ADDED, new)) if text]
    pieces = []
    for kind, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece(SAME, "".join(a[a1:a2])))
        else:
            cut = ((REMOVED, "".join(a[a1:a2])), (ADDED, "".join(b[b1:b2])))
            pieces += [Piece(side, text) for side, text in cut if text]
    return pieces
