"""Another sorting of the categories into kinds, each of which has a board of its own."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, ProtectedError, Q, QuerySet
from django.utils.translation import gettext as _

from arena import sheets
from arena.models import Category, Question
from rating.models import Grouping

RESERVED = ":"
"""Stands between a grouping's name and a kind's key."""
KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")
LONGEST_KEY = Category._meta.get_field("key").max_length
FIRST = 10_000  # the position of kinds, behind all categories
COLUMNS = ("kind", "name_en", "name_zh", "category")


def places(grouping: Grouping) -> dict[int, Category]:
    """The kind of each category that has one, by the category's id. Two queries."""
    keys = {key: f"{grouping.name}{RESERVED}{kind['key']}" for kind in grouping.kinds for key in kind["of"]}
    found = {one.key: one for one in Category.objects.filter(key__in=[*keys, *keys.values()])}
    return {found[key].pk: found[kind] for key, kind in keys.items() if key in found and kind in found}


def refresh(grouping: Grouping) -> None:
    """Make or rename the categories that stand for this grouping's kinds; those of kinds that are gone go, unless rated.

    Call it in the transaction that saves the grouping.
    """
    wanted = {f"{grouping.name}{RESERVED}{kind['key']}": kind for kind in grouping.kinds}
    for place, (key, kind) in enumerate(wanted.items()):
        names = {"name_en": kind["name_en"], "name_zh": kind["name_zh"], "position": FIRST + place, "group": None}
        Category.objects.update_or_create(key=key, defaults=names)
    for gone in Category.objects.filter(key__startswith=f"{grouping.name}{RESERVED}").exclude(key__in=wanted):
        with suppress(ProtectedError):  # older snapshots have boards of it
            gone.delete()


def kinds() -> Q:
    """Which categories are kinds of groupings, as a condition. One query: files may bring categories with a colon of their own."""
    found = Q(pk__in=[])
    for name in Grouping.objects.values_list("name", flat=True):
        found |= Q(key__startswith=f"{name}{RESERVED}")
    return found


def ordinary() -> QuerySet[Category]:
    """The categories that questions are in, or could be, with their groups loaded: no kinds of groupings, and no mere groups.

    One query before the set's own.
    """
    there = Category.objects.exclude(kinds()).select_related("group")
    members, questions = Category.objects.filter(group=OuterRef("pk")), Question.objects.filter(category=OuterRef("pk"))
    return there.exclude(Exists(members) & ~Exists(questions))


def unsorted(grouping: Grouping, keys: Iterable[str]) -> list[str]:
    """Of these category keys those in no kind."""
    sorted_in = {key for kind in grouping.kinds for key in kind["of"]}
    return [key for key in keys if key not in sorted_in]


# Rules, the same for the form and for files


def name_problem(name: str) -> str | None:
    """Why this cannot be a grouping's name; None where it can. One query."""
    if Question.objects.filter(category__key__startswith=f"{name}{RESERVED}").exists():
        return _("A category of questions begins with this name and a colon: choose another name.")
    return key_problem(name)


def key_problem(key: str) -> str | None:
    """Why this cannot be the name of a grouping or the key of a kind; None where it can."""
    if not KEY.fullmatch(key):
        return _("Use small letters a to z, digits, - and _, and begin with a letter or a digit.")
    return None


def kind_problem(name: str, key: str) -> str | None:
    """Why a kind of the grouping `name` cannot have this key; None where it can."""
    if reason := key_problem(key):
        return reason
    if len(name) + len(RESERVED) + len(key) > LONGEST_KEY:
        return _("The name of the grouping and this key are too long together: %(n)d characters at most.") % {
            "n": LONGEST_KEY - len(RESERVED)
        }
    return None


# Files


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file of kinds: in which line (None: in none), and which field."""

    line: int | None
    field: str
    reason: str


class BadGrouping(ValueError):
    """A file that is not a grouping; `problems` names every line and field."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("; ".join(f"line {one.line}, {one.field}: {one.reason}" for one in problems))


def as_csv(grouping: Grouping) -> str:
    """One line for each category in a kind; a kind without one has a line with an empty category."""
    kinds = grouping.kinds
    named = [(kind["key"], kind["name_en"], kind["name_zh"], one) for kind in kinds for one in kind["of"] or [""]]
    return sheets.as_csv(COLUMNS, named)


def as_json(grouping: Grouping) -> str:
    told = {name: getattr(grouping, name) for name in ("name", "title_en", "title_zh", "kinds")}
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def read(text: str, *, name: str) -> list[dict[str, Any]]:
    """The kinds that a file says: JSON (what `as_json` writes, or its kinds alone) or CSV. Raises BadGrouping.

    `name` is the grouping's, whose length counts with each key's. One query.
    """
    rows = _of_json(text) if text.lstrip()[:1] in ("{", "[") else _of_csv(text)
    return _kinds(rows, name)


Row = tuple[int | None, Mapping[str, str]]


def _of_csv(text: str) -> list[Row]:
    lines = csv.DictReader(io.StringIO(text.lstrip("﻿")), strict=True)
    try:
        missing = [name for name in ("kind", "category") if name not in (lines.fieldnames or ())]
        if missing:
            raise BadGrouping([Problem(1, name, _("the column is missing")) for name in missing])
        return [
            (lines.line_num, {name: (row.get(name) or "").strip().removeprefix("'") for name in COLUMNS})
            for row in lines
        ]
    except csv.Error as error:
        raise BadGrouping([Problem(lines.line_num, "CSV", str(error))]) from None


def _of_json(text: str) -> list[Row]:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise BadGrouping([Problem(getattr(error, "lineno", None), "JSON", str(error))]) from None
    except RecursionError:
        raise BadGrouping([Problem(None, "JSON", _("is nested too deeply"))]) from None
    kinds = told.get("kinds") if isinstance(told, dict) else told
    if not isinstance(kinds, list):
        raise BadGrouping([Problem(None, "kinds", _("is not a list"))])
    problems = [Problem(None, f"kinds[{place}]", _("has no key, or no list of categories “of”"))
                for place, kind in enumerate(kinds) if not _is_kind(kind)]  # fmt: skip
    if problems:
        raise BadGrouping(problems)
    return [
        (None, {"kind": kind["key"], "name_en": str(kind.get("name_en") or ""), "name_zh": str(kind.get("name_zh") or ""),
                "category": category})
        for kind in kinds for category in kind["of"] or [""]
    ]  # fmt: skip


def _is_kind(kind: Any) -> bool:
    if not isinstance(kind, dict) or not isinstance(kind.get("key"), str) or not isinstance(kind.get("of"), list):
        return False
    return all(isinstance(one, str) for one in kind["of"])


def _kinds(rows: list[Row], name: str) -> list[dict[str, Any]]:
    known = set(ordinary().values_list("key", flat=True))
    often = Counter(row["category"] for _line, row in rows if row["category"])
    problems: list[Problem] = []
    kinds: dict[str, dict[str, Any]] = {}
    for line, row in rows:
        key, category = row["kind"], row["category"]
        if reason := kind_problem(name, key):
            problems.append(Problem(line, "kind", f"{key[:40]}: {reason}"))
        if category and category not in known:
            problems.append(Problem(line, "category", _("there is no category %(key)s") % {"key": category[:80]}))
        elif category and often[category] > 1:
            problems.append(
                Problem(line, "category", _("%(key)s is in the file more than once") % {"key": category[:80]})
            )
        kind = kinds.setdefault(key, {"key": key, "name_en": "", "name_zh": "", "of": []})
        for language in ("name_en", "name_zh"):
            kind[language] = kind[language] or row[language][:120]
        kind["of"] += [category] if category else []
    if not rows:
        problems.append(Problem(None, "kind", _("there is none in the file")))
    if problems:
        raise BadGrouping(problems)
    return list(kinds.values())
