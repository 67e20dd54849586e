"""What an uploaded file is: whether it is text at all, and which format its first objects fit best."""

from __future__ import annotations

import codecs
import csv
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from arena.loading import ANSWERS, FORMATS, JUDGMENTS, PROMPTS, QUESTIONS, Batch, ModelRecord, Naming, Report
from arena.loading.own_judgments import FIELDS
from arena.loading.rows import UNREADABLE, opened, why_no_text, why_unreadable
from arena.loading.said import said as _
from rating.published import is_leaderboard
from rating.score_files import NEEDED

HEAD = 1_000_000  # bytes looked at
OBJECTS = 25
OURS = ({"key", "category", "turns"}, {"question", "turns"}, FIELDS)
MOST_UNPACKED = 1_000_000_000  # bytes
OWN, SCORES = "juryroom", "scores"
ANYBODY = ModelRecord("somebody", "1", "somebody")


@dataclass(frozen=True)
class Guess:
    """A format by its name in FORMATS, and the kinds of things that the file's beginning holds in it."""

    format: str
    holds: tuple[str, ...]


def why_not_text(path: Path) -> str:
    """Why a file is no text that we read, in a few words; "" where it is. Reads its beginning, and a packed file to its end."""
    try:
        with opened(path) as file:
            head = file.read(HEAD)
            if path.suffix == ".gz" and _is_endless(file):
                return _("unpacks to more than 1 GB")
    except UNREADABLE as error:
        return _("cannot be read: %(reason)s", reason=why_unreadable(error))
    if not head.strip():
        return _("is empty")
    if reason := why_no_text(head):
        return reason
    if b"\0" in head:
        return _("is binary, not text")
    try:
        codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError as error:
        line = head[: error.start].count(b"\n") + 1
        return _("is not UTF-8 text (line %(line)s); save it as UTF-8", line=line)
    return ""


def _is_endless(file) -> bool:
    total = HEAD
    while part := file.read(HEAD):
        total += len(part)
        if total > MOST_UNPACKED:
            return True
    return False


def guess(path: Path, *, only: str = "") -> Guess:
    """The format that reads the beginning of the file with the fewest problems, our own where nothing reads it.

    With `only`, that format, and what the beginning holds in it.
    """
    best, found = (1.0, float("-inf")), Guess(OWN, ())  # with a fault a row it is no file of that format
    with tempfile.TemporaryDirectory() as folder:
        head = _head_of(path, Path(folder))
        names = _names(head)
        is_published = only in ("", "alpaca_eval") and head.suffix.lower() == ".csv" and is_leaderboard(names)
        if only == SCORES or is_published or (not only and set(NEEDED) <= names):
            return Guess(SCORES, (SCORES,))
        if any(own <= names for own in OURS):
            only = only or OWN  # with faults in its rows another format might seem to fit better
        if alone := _alone(head, only):
            return Guess(alone, (JUDGMENTS,))
        for name, form in FORMATS.items():
            if (only and name != only) or not (only or head.name.endswith(form.endings)):
                continue
            report = Report()
            try:
                batch = form(
                    [head], report, kinds=form.kinds, model=ANYBODY, naming=Naming("somebody", "somewhere", head.name)
                )
            except Exception:  # noqa: BLE001, S112  a reader that stumbles over a file of another format says: not mine
                continue
            n = len(batch.questions) + len(batch.answers) + len(batch.votes) + len(batch.grades) + len(batch.rubrics)
            mark = (len(report.problems) / max(n, 1), -n)
            if n and mark < best:
                best, found = mark, Guess(name, holds(batch))
    return Guess(only, found.holds) if only else found


def _alone(head: Path, only: str) -> str:
    """The format in which this is the beginning of verdicts without the pairs that they are about; "" where it is none."""
    text = head.read_text(encoding="utf-8")
    forms = [(name, form) for name, form in FORMATS.items() if only in ("", name) and head.name.endswith(form.endings)]
    return next((name for name, form in forms if form.is_alone and form.is_alone(text)), "")


def _names(head: Path) -> set[str]:
    """The names of the first row's fields, or of a table's columns; none of a file that has neither."""
    first = head.read_text(encoding="utf-8").partition("\n")[0]
    try:
        names = json.loads(first) if first.startswith("{") else [name.strip() for name in next(csv.reader([first]))]
    except (ValueError, RecursionError, csv.Error, StopIteration):
        return set()
    return set(names)


def holds(batch: Batch) -> tuple[str, ...]:
    """The kinds of things in a batch, in the order in which files are loaded."""
    there = {
        QUESTIONS: batch.questions,
        ANSWERS: batch.answers,
        JUDGMENTS: batch.votes or batch.grades,
        PROMPTS: batch.rubrics,
    }
    return tuple(kind for kind, records in there.items() if records)


def _head_of(path: Path, folder: Path) -> Path:
    """A small file of the same name (unpacked) with the first objects or lines of this one."""
    head = folder / path.name.removesuffix(".gz")
    try:
        with opened(path) as file:
            text = file.read(HEAD).decode("utf-8-sig", "replace")
    except UNREADABLE:
        text = ""
    if text.lstrip().startswith("["):
        head.write_text(_first_objects(text), encoding="utf-8")
    elif head.suffix == ".json" and len(text) < HEAD / 4:  # one object may be all of it
        head.write_text(text, encoding="utf-8")
    else:
        lines = text.split("\n")
        whole = lines if len(text) < HEAD / 4 else lines[:-1]
        head.write_text("\n".join(whole if path.suffix == ".csv" else whole[:OBJECTS]), encoding="utf-8")
    return head


def _first_objects(text: str) -> str:
    """The first objects of a JSON list whose end may be missing, as a list of its own."""
    decoder, found = json.JSONDecoder(), []
    place = text.index("[") + 1
    while len(found) < OBJECTS:
        rest = len(text) - len(text[place:].lstrip())
        try:
            value, place = decoder.raw_decode(text, rest)
        except (ValueError, RecursionError):
            break
        found.append(value)
        place = len(text) - len(text[place:].lstrip().removeprefix(","))
    return json.dumps(found, ensure_ascii=False)
