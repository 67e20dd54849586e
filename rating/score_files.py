"""Tables of scores from files: CSV, or a JSON object a line. Everything is checked first; with any problem nothing is written.

Columns: model, version, benchmark, category, metric, value, unit, n, target, source, kind, lower_is_better. Only model, benchmark, metric,
value and source have to be there. `unit` "share" is 0..1 and "%" is 0..100; both are written in per cent.

A leaderboard that another project publishes is told by its columns: see `rating.published`. Its rows are of models wherever they
are; those that are not here are left out and counted.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.db import transaction

from arena.loading.said import Said
from arena.loading.said import said as _
from arena.models import LanguageModel, Provenance
from rating import published
from rating.models import Score
from rating.reporting.scores import SIZES

NEEDED = ("model", "benchmark", "metric", "value", "source")
FIELDS = (*NEEDED, "version", "category", "unit", "n", "target", "kind", "lower_is_better")
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
SHOWN = 50
LEFT_OUT = "published scores left out, of models that are not here or in several versions"
_LONGEST = {"version": 80, "model": 120} | {
    name: Score._meta.get_field(name).max_length for name in ("benchmark", "category", "metric", "unit", "source")
}
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0", "")
_MOST = 2**31 - 1  # of what the database takes as n


class BadScores(ValueError):
    """A file of scores that cannot be used; `problems` has a line for each, naming file, line and field."""

    def __init__(self, problems: Sequence[str]):
        self.problems = tuple(problems)
        more = [f"… and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        super().__init__("\n".join([*problems[:SHOWN], *more]))


def fault(place: str, message: str, field: str = "") -> Said:
    """What is wrong, with its place ("scores.csv, line 3") and field, as BadScores tells it."""
    return _("%(place)s: %(message)s", place=f"{place}, {field}" if field else place, message=message)


@dataclass(frozen=True)
class ScoreRow:
    """One score as a file tells it; `version` "" where the file leaves it open. `place` is where: "scores.csv, line 3"."""

    place: str
    model: str
    version: str
    benchmark: str
    category: str
    metric: str
    value: float
    unit: str
    n: int | None
    target: float | None
    source: str
    kind: str
    lower_is_better: bool
    is_published: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it another score, of a model."""
        return self.benchmark, self.category, self.metric, self.source


@dataclass(frozen=True)
class Written:
    """How many scores were new, how many changed, how many were there as they are; and of published ones, how many are
    `left_out`: their model is not here, or in several versions."""

    new: int
    changed: int
    same: int
    left_out: int = 0


def read_scores(path: Path, *, benchmark: str = "") -> list[ScoreRow]:
    """The scores in the file; `benchmark` is what a published leaderboard is of. Raises BadScores with all that is wrong with it."""
    problems: list[Said] = []
    rows: list[ScoreRow] = []
    is_table = path.suffix.lower() not in JSON_ENDINGS
    try:
        for number, told in _told(path, problems):
            place = f"{path}, line {number}"
            if is_table and published.is_leaderboard(told):
                rows += _published(place, told, benchmark or published.ALPACA_EVAL, problems)
            elif found := _row(place, told, problems):
                rows.append(found)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadScores([fault(str(path), _("cannot be read: %(reason)s", reason=str(error)))]) from None
    problems += _twice(rows)
    if not problems and not rows:
        problems.append(fault(str(path), _("holds no scores")))
    if problems:
        raise BadScores(problems)
    return rows


def _published(place: str, told: Mapping[str, str], benchmark: str, problems: list[Said]) -> Iterator[ScoreRow]:
    """The figures of a row of a published leaderboard as scores, each with the column it stands in."""
    mine: dict[Said, None] = {}
    for column, values in published.scores_of(told, benchmark):
        wrong: list[Said] = []
        if found := _row(place, values, wrong):
            yield replace(found, is_published=True)
        columns = {"value": column, **published.READ_FROM}
        for text in wrong:
            name = text.values["place"].removeprefix(f"{place}, ")
            mine[fault(place, text.values["message"], columns.get(name, name))] = None
    problems += mine  # what all figures of a row share is told once
    if not mine:
        problems += [fault(place, message, column) for column, message in published.what_is_wrong(told)]


def _told(path: Path, problems: list[Said]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows as they stand, each with its line; what is no row is a problem."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from (_json_rows if path.suffix.lower() in JSON_ENDINGS else _csv_rows)(path, file, problems)


def _json_rows(path: Path, file: Iterable[str], problems: list[Said]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except (ValueError, RecursionError) as error:  # digits without end are no decoding error
            why = _("is no JSON: %(reason)s", reason=str(getattr(error, "msg", error)))
            problems.append(fault(f"{path}, line {number}", why))
            continue
        if isinstance(told, dict):
            _check_names(f"{path}, line {number}", told, problems)
            yield number, told
        else:
            problems.append(fault(f"{path}, line {number}", _("is not an object")))


def _csv_rows(path: Path, file: Iterable[str], problems: list[Said]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = csv.reader(file, strict=True)
    names = [name.strip() for name in next(rows, [])]
    before = len(problems)
    if published.is_leaderboard(names):
        told = _("is not a column of a leaderboard as AlpacaEval publishes it")
        problems += [fault(f"{path}, line 1", told, name) for name in published.unknown_columns(names)]
    else:
        _check_names(f"{path}, line 1", names, problems)
    twice = [name for name in sorted(set(names)) if names.count(name) > 1]
    problems += [fault(f"{path}, line 1", _("has two columns %(name)s", name=repr(name))) for name in twice]
    if len(problems) > before:
        return
    start = rows.line_num + 1
    for row in rows:
        number, start = start, rows.line_num + 1
        if not any(text.strip() for text in row):
            continue
        if len(row) == len(names):
            yield number, dict(zip(names, row, strict=True))
        else:
            why = _("has %(n)s values for %(columns)s columns", n=len(row), columns=len(names))
            problems.append(fault(f"{path}, line {number}", why))


def _check_names(place: str, names: Iterable[str], problems: list[Said]) -> None:
    there = set(names)
    problems += [fault(place, _("is missing"), name) for name in NEEDED if name not in there]
    told = _("is not a field of a score; there are: %(known)s", known=", ".join(FIELDS))
    problems += [fault(place, told, name) for name in sorted(there - set(FIELDS))]


class _Bad(ValueError):
    pass


def _row(place: str, told: Mapping[str, Any], problems: list[Said]) -> ScoreRow | None:
    """The row, or None where something is wrong with it, which is noted."""
    values: dict[str, Any] = {}
    before = len(problems)
    for name in FIELDS:
        if name in NEEDED and name not in told:
            return None  # noted already
        try:
            values[name] = READERS[name](told.get(name), name)
        except _Bad as error:
            problems.append(fault(place, error.args[0], name))
    if len(problems) == before:
        problems += [fault(place, told, name) for name, told in _beyond(values)]
    return ScoreRow(place=place, **values) if len(problems) == before else None


def _beyond(values: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
    """Shares that are none, by their field."""
    whole = SIZES.get(values["unit"])
    for name in ("value", "target"):
        if whole is not None and values[name] is not None and not 0 <= values[name] <= whole:
            told = {"value": f"{values[name]:g}", "most": f"{whole:g}", "unit": repr(values["unit"])}
            yield name, _("is %(value)s, which is not between 0 and %(most)s as its unit %(unit)s has it", **told)


def _text(value: Any, name: str) -> str:
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise _Bad(_("is not a text: %(value)s", value=f"{value!r:.60}"))
    text = value.strip()
    if name in NEEDED and not text:
        raise _Bad(_("is empty"))
    if len(text) > _LONGEST[name]:
        raise _Bad(_("is longer than %(most)s characters", most=_LONGEST[name]))
    if any(not letter.isprintable() for letter in text):
        raise _Bad(_("holds a character that cannot be shown: %(text)s", text=f"{text!r:.60}"))
    return text


def _number(value: Any, name: str) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        if name == "value":
            raise _Bad(_("is empty"))
        return None
    try:
        if isinstance(value, bool):
            raise ValueError
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _Bad(_("is not a number: %(value)s", value=f"{value!r:.60}")) from None
    if not math.isfinite(found):
        raise _Bad(_("is not a number: %(value)s", value=f"{value!r:.60}"))
    return found


def _whole(value: Any, name: str) -> int | None:
    found = _number(value, name)
    if found is None:
        return None
    if found < 0 or found > _MOST or found != int(found):
        raise _Bad(_("is not a whole number from 0: %(value)s", value=f"{value!r:.60}"))
    return int(found)


def _kind(value: Any, name: str) -> str:
    text = value.strip() if isinstance(value, str) else value
    if text in (None, ""):
        return Score.Kind.OBJECTIVE.value
    if text not in Score.Kind.values:
        raise _Bad(_("is one of %(known)s, not %(value)s", known=", ".join(Score.Kind.values), value=f"{value!r:.60}"))
    return str(text)


def _flag(value: Any, name: str) -> bool:
    if isinstance(value, bool) or value is None:
        return bool(value)
    text = str(value).strip().lower()
    if text not in (*_YES, *_NO):
        raise _Bad(_("is true or false, not %(value)s", value=f"{value!r:.60}"))
    return text in _YES


READERS: Mapping[str, Callable[[Any, str], Any]] = dict.fromkeys(FIELDS, _text) | {
    "value": _number,
    "target": _number,
    "n": _whole,
    "kind": _kind,
    "lower_is_better": _flag,
}


def _twice(rows: Iterable[ScoreRow]) -> Iterator[Said]:
    """What two rows say the value of."""
    first: dict[tuple[str, ...], str] = {}
    for row in rows:
        key = (row.model, row.version, *row.key)
        if key in first:
            yield fault(row.place, _("this score was told before, at %(place)s", place=first[key]), "metric")
        first.setdefault(key, row.place)


def write_scores(rows: Sequence[ScoreRow], *, provenance: str = Provenance.IMPORTED) -> Written:
    """Put the scores on record, all or none; what is there with another value is written over. Raises BadScores.

    A number of queries that does not grow with the rows, but for those that are written.
    """
    models, told = _models(rows), len(rows)
    rows = [row for row in rows if (row.model, row.version) in models]
    fresh = {(models[row.model, row.version].pk, *row.key): _score(row, models, provenance) for row in rows}
    if len(fresh) < len(rows):
        raise BadScores(
            [_("two rows are about one model, once with and once without its version, and say the same score")]
        )
    with transaction.atomic():
        there = {
            (one.model_id, one.benchmark, one.category, one.metric, one.source): one
            for one in Score.objects.filter(model__in={one.model_id for one in fresh.values()})
        }
        new = [one for key, one in fresh.items() if key not in there]
        changed = [one for key, one in fresh.items() if key in there and _differs(one, there[key])]
        for one in changed:
            one.pk = there[one.model_id, one.benchmark, one.category, one.metric, one.source].pk
        Score.objects.bulk_create(new, batch_size=500)
        Score.objects.bulk_update(changed, SAID, batch_size=200)
    return Written(len(new), len(changed), len(rows) - len(new) - len(changed), told - len(rows))


SAID = ("value", "unit", "n", "target", "kind", "lower_is_better", "provenance")


def _differs(one: Score, other: Score) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in SAID)


def _score(row: ScoreRow, models: Mapping[tuple[str, str], LanguageModel], provenance: str) -> Score:
    names = ("benchmark", "category", "metric", "source", "value", "unit", "n", "target", "kind", "lower_is_better")
    told = {name: getattr(row, name) for name in names}
    return Score(model=models[row.model, row.version], provenance=provenance, **told)


def _models(rows: Sequence[ScoreRow]) -> dict[tuple[str, str], LanguageModel]:
    """The models that the rows name. One query. Raises BadScores for one there is not, or whose version is left open.

    Of published rows, those of such models are left out; that none is left is a problem.
    """
    by_name: dict[str, list[LanguageModel]] = {}
    for model in LanguageModel.objects.filter(name__in={row.model for row in rows}):
        by_name.setdefault(model.name, []).append(model)
    found: dict[tuple[str, str], LanguageModel] = {}
    problems = []
    for row in rows:
        fitting = [one for one in by_name.get(row.model, []) if row.version in ("", one.version)]
        if len(fitting) == 1:
            found[row.model, row.version] = fitting[0]
        elif row.is_published:
            continue
        elif fitting:
            versions = ", ".join(one.version for one in fitting)
            why = _("is missing, and %(model)s has several: %(versions)s", model=repr(row.model), versions=versions)
            problems.append(fault(row.place, why, "version"))
        else:
            told = f"{row.model} {row.version}".strip()
            why = _("there is no model %(model)s; load its answers or add it first", model=repr(told))
            problems.append(fault(row.place, why, "model"))
    if rows and not found and not problems:
        names = len({row.model for row in rows})
        why = _("none of the %(n)s models is here in one version; load their answers or add them first", n=names)
        problems = [fault(rows[0].place, why, "model")]
    if problems:
        raise BadScores(problems)
    return found
