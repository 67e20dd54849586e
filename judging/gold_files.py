"""Gold items from a CSV file: read whole, every problem named by its line and field, or taken as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from arena.models import storable
from judging.golding import LONGEST_WHY, VERDICTS, BadGold, Problem, Truth, scale_of
from judging.items import chunks
from judging.models import Run
from judging.voting_items import field_of, pool

MOST_BYTES = 1_000_000
MOST_LINES = 2000
COLUMNS = ("item", "question", "first", "second", "model", "right", "lowest", "highest", "practice", "why_en", "why_zh")
YES, NO = ("yes", "true", "1"), ("no", "false", "0", "")


def read(run: Run, data: bytes) -> list[Truth]:
    """The gold items of a CSV file (UTF-8). Raises BadGold with everything that is wrong, by line and field.

    An item is named by `item`, its id; or by `question` (its key) with `first` and `second` (models of a pair, A and B of
    the file) or `model`. `right` is a, b, tie, a_or_tie or b_or_tie; else `lowest` and `highest` say what is right.
    """
    lines = _lines(data)
    names = _names(run, [row for _line, row in lines])
    taken = set(run.golds.order_by().values_list(field_of(run), flat=True))
    truths, problems, seen = [], [], {}
    for line, row in lines:
        found: list[Problem] = []
        item, turned = _item(run, row, names, line, found)
        ends = _ends(run, row, line, found, turned=turned)
        practice = row["practice"].casefold()
        if practice not in YES + NO:
            found.append(Problem(line, "practice", _("yes or no is meant")))
        if item in taken:
            found.append(Problem(line, "item", _("is gold already")))
        elif item in seen:
            found.append(Problem(line, "item", _("stands in line %d too") % seen[item]))
        found += [
            Problem(line, name, _("is longer than %d characters") % LONGEST_WHY)
            for name in ("why_en", "why_zh")
            if len(row[name]) > LONGEST_WHY
        ]
        problems += found
        if item is not None:
            seen.setdefault(item, line)
        if not found and item is not None and ends is not None:
            truths.append(Truth(item, *ends, practice in YES, row["why_en"], row["why_zh"]))
    if problems:
        raise BadGold(problems)
    return truths


def _lines(data: bytes) -> list[tuple[int, dict[str, str]]]:
    """The rows of the file with their lines, each with every column; "" where the file has none."""
    if len(data) > MOST_BYTES:
        raise BadGold([Problem(1, "file", _("is larger than %d bytes") % MOST_BYTES)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadGold([Problem(line, "file", _("is not UTF-8"))]) from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    found: list[tuple[int, dict[str, str]]] = []
    try:
        head = [name.strip() for name in reader.fieldnames or []]
        _check_head(head)
        reader.fieldnames = head
        for row in reader:
            if None in row or None in row.values():
                raise BadGold([Problem(reader.line_num, "file", _("has another number of cells than the head"))])
            if any(cell.strip() for cell in row.values()):
                cells = {name: storable(row.get(name, "")).strip() for name in COLUMNS}
                found.append((reader.line_num, cells))
            if len(found) > MOST_LINES:
                raise BadGold([Problem(reader.line_num, "file", _("has more than %d items") % MOST_LINES)])
    except csv.Error as error:
        raise BadGold([Problem(reader.line_num, "file", str(error))]) from None
    if not found:
        raise BadGold([Problem(1, "file", _("holds no item"))])
    return found


def _check_head(head: Sequence[str]) -> None:
    unknown = [name for name in head if name not in COLUMNS]
    problems = [Problem(1, name or "file", _("there is no such column")) for name in unknown]
    problems += [Problem(1, name, _("stands there twice")) for name in sorted(set(head)) if head.count(name) > 1]
    if problems:
        raise BadGold(problems)
    if "item" not in head and "question" not in head:
        raise BadGold([Problem(1, "item", _("a column item or question is needed"))])


@dataclass(frozen=True)
class Names:
    """The items that a file may mean: their ids, and by question and models (item, turned round); None where two match."""

    ids: frozenset[int]
    by_name: dict[tuple[str, ...], tuple[int, bool] | None]


def _names(run: Run, rows: Iterable[dict[str, str]]) -> Names:
    """One query for every 200 items of the file."""
    rows = list(rows)
    ids: set[int] = set()
    numbers = {int(row["item"]) for row in rows if _is_id(row["item"])}
    for some in chunks(sorted(numbers)):
        ids.update(pool(run).filter(pk__in=some).values_list("pk", flat=True))
    by_name: dict[tuple[str, ...], tuple[int, bool] | None] = {}
    keys = sorted({row["question"] for row in rows if not row["item"] and row["question"]})
    models = ("model__name",) if run.is_single else ("first__model__name", "second__model__name")
    for some in chunks(keys):
        found = pool(run).filter(question__key__in=some).order_by("pk").values_list("pk", "question__key", *models)
        for pk, key, *named in found:
            _name(by_name, (key, *named), (pk, False))
            if not run.is_single:  # two models of one name fit both ways round, which is one too many
                _name(by_name, (key, *named[::-1]), (pk, True))
    return Names(frozenset(ids), by_name)


def _name(by_name: dict, key: tuple[str, ...], item: tuple[int, bool]) -> None:
    by_name[key] = None if key in by_name else item


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _item(run: Run, row: dict[str, str], names: Names, line: int, problems: list[Problem]) -> tuple[int | None, bool]:
    """The id of the item a row means, and whether its A is the battle's second answer."""
    if row["item"]:
        if _is_id(row["item"]) and int(row["item"]) in names.ids:
            return int(row["item"]), False
        problems.append(Problem(line, "item", _("is none of this run's items")))
        return None, False
    wanted = ("question", "model") if run.is_single else ("question", "first", "second")
    missing = [name for name in wanted if not row[name]]
    problems += [Problem(line, name, _("is missing")) for name in missing]
    if missing:
        return None, False
    key = tuple(row[name] for name in wanted)
    found = names.by_name.get(key)
    if found is None:
        text = (
            _("fits several items: give its id instead") if key in names.by_name else _("is none of this run's items")
        )
        problems.append(Problem(line, "question", text))
        return None, False
    return found


def _ends(
    run: Run, row: dict[str, str], line: int, problems: list[Problem], *, turned: bool
) -> tuple[float, float] | None:
    """What is right by a row, towards the battle's own first answer."""
    if row["right"] and not run.is_single:
        ends = VERDICTS.get(row["right"].casefold())
        if ends is None:
            problems.append(Problem(line, "right", _("one of these is meant: %s") % ", ".join(VERDICTS)))
            return None
    else:
        ends = _range(run, row, line, problems)
    if ends and turned:
        ends = (-ends[1] or 0.0, -ends[0] or 0.0)
    return ends


def _range(run: Run, row: dict[str, str], line: int, problems: list[Problem]) -> tuple[float, float] | None:
    bottom, top = scale_of(run)
    ends: list[float] = []
    for name in ("lowest", "highest"):
        try:
            value = float(row[name])
        except ValueError:
            problems.append(Problem(line, name, _("is not a number")))
            continue
        if not bottom <= value <= top:
            facts = {"lowest": bottom, "highest": top}
            problems.append(Problem(line, name, _("is outside %(lowest)g to %(highest)g") % facts))
            continue
        ends.append(value)
    if len(ends) == 2 and ends[0] > ends[1]:
        problems.append(Problem(line, "lowest", _("is above the highest")))
        return None
    return (ends[0], ends[1]) if len(ends) == 2 else None
