"""What was posted on a ballot, read: verdicts, or one sentence for each field that cannot be counted."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from arena import border
from judging.ballots import OVERALL, SCALES, VALUES, Row, is_one_press, question_of, rows, rubric_of
from judging.items import turns_of
from judging.judges.base import OK, RubricText, Verdict
from judging.models import Assignment, Run
from judging.replies import check_points, parse_points, total_mark
from judging.voting import FIVE, FOUR, Voting

LONGEST_NOTE = 2000
MOST_ACTIVE = 4 * 3600 * 1000  # milliseconds that one item can take in earnest
MOST_FINDINGS = 50  # of one kind on one ballot


class Unreadable(ValueError):
    """A ballot that cannot be counted; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]):
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Cast:
    """A ballot that can be counted: a verdict for each turn (0: the whole), the note, the reasons ticked, active time."""

    verdicts: list[tuple[int, Verdict]]
    note: str
    reasons: list[str]
    active_ms: int | None


def read(post: Any, seat: Assignment) -> Cast:
    """The ballot of a seat. Raises Unreadable with all that is wrong."""
    run, voting = seat.run, Voting.of(seat.run)
    errors: dict[str, str] = {}
    note = border.asked(post, "note", longest=LONGEST_NOTE)
    if voting.needs_note and not note:
        errors["note"] = _("This run asks for a note with every vote: say why.")
    verdicts = []
    for turn in turns_of(run, len(question_of(seat).turns)):
        try:
            verdicts.append((turn, _verdict(post, seat, turn)))
        except Unreadable as unreadable:
            errors |= unreadable.errors
    if errors:
        raise Unreadable(errors)
    ticked = post.getlist("reasons") if hasattr(post, "getlist") else post.get("reasons", [])
    return Cast(verdicts, note, [word for word in voting.reasons if word in ticked], active_ms(post))


def active_ms(post: Mapping[str, str]) -> int | None:
    """Milliseconds that the item was seen and not idle, as the page says; None where it does not."""
    text = post.get("active_ms", "")
    return min(int(text), MOST_ACTIVE) if text.isascii() and text.isdigit() and len(text) < 12 else None


def said(post: Mapping[str, str], seat: Assignment, turn: int, *, scale: str) -> Verdict:
    """What a judge said on one turn, as a person read it: one choice of this scale for a pair, marks for an answer. Raises
    Unreadable with all that is wrong."""
    if not seat.run.is_single:
        return _chosen(post.get("choice", ""), SCALES[scale], "choice")
    return _verdict(post, seat, turn)


def _verdict(post: Mapping[str, str], seat: Assignment, turn: int) -> Verdict:
    run = seat.run
    if is_one_press(run):
        return _preference(post.get("choice", ""), run, "choice")
    rubric = rubric_of(seat)
    if not run.is_single:
        return _by_dimension(post, run, rubric, turn)
    if rubric.points:
        return _by_points(post, seat, rubric, turn)
    return _marked(post, run, rubric, turn)


def _preference(word: str, run: Run, name: str) -> Verdict:
    return _chosen(word, SCALES[FIVE if Voting.of(run).ballot == FIVE else FOUR], name)


def _chosen(word: str, words: Collection[str], name: str) -> Verdict:
    if word not in words:
        raise Unreadable({name: _("Choose one of those on the ballot: A, B, a tie, or both bad.")})
    value, both_bad = VALUES[word]
    return Verdict(status=OK, value=value, both_bad=both_bad)


def _by_dimension(post: Mapping[str, str], run: Run, rubric: RubricText, turn: int) -> Verdict:
    """A choice for each dimension, and one on the whole, which is the verdict."""
    found = rows(run, rubric, turn, post=post)
    errors = {row.name: _("This choice is missing.") for row in found if row.value not in _words(row)}
    if errors:
        raise Unreadable(errors)
    *parts, whole = found
    value, both_bad = VALUES[whole.value]
    return Verdict(status=OK, value=value, both_bad=both_bad, scores={row.key: VALUES[row.value][0] for row in parts})


def _words(row: Row) -> list[str]:
    return [choice.word for choice in row.choices]


def _marked(post: Mapping[str, str], run: Run, rubric: RubricText, turn: int) -> Verdict:
    """A mark for each dimension and their total; a mark below a veto takes it to the lowest."""
    scores: dict[str, float] = {}
    errors: dict[str, str] = {}
    for row in rows(run, rubric, turn, post=post):
        try:
            scores[row.key] = _mark(row.value, rubric)
        except ValueError as error:
            errors[row.name] = str(error)
    if errors:
        raise Unreadable(errors)
    if not rubric.dimensions:
        return Verdict(status=OK, value=scores[OVERALL])
    return Verdict(status=OK, value=total_mark(scores, rubric), scores=scores)


def _mark(text: str, rubric: RubricText) -> float:
    if not text.strip():
        raise ValueError(_("This mark is missing."))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not rubric.lowest <= value <= rubric.highest:
        raise ValueError(
            _("A mark lies between %(lowest)g and %(highest)g.") % {"lowest": rubric.lowest, "highest": rubric.highest}
        )
    return value


def _by_points(post: Mapping[str, str], seat: Assignment, rubric: RubricText, turn: int) -> Verdict:
    """Deductions and bonuses, each with its passage where the rubric wants one: read by the rules that judges are read by."""
    found: dict[str, list[dict[str, str]]] = {"deductions": [], "bonuses": []}
    names, errors = [], {}
    for row in rows(seat.run, rubric, turn, post=post):
        names.append(row.name)
        try:
            findings = _findings(row.value, is_quoted=row.is_quoted)
        except ValueError as error:
            errors[row.name] = str(error)
            continue
        kind = "deductions" if row.points < 0 else "bonuses"
        found[kind] += [{"key": row.key, "quote": quote} for quote in findings]
        for quote in findings if row.is_quoted else ():
            one = {"deductions": [], "bonuses": [], kind: [{"key": row.key, "quote": quote}]}
            if check_points(parse_points(json.dumps(one), rubric), rubric, _text(seat, turn)).status != OK:
                errors[row.name] = _("This passage is not in the answer: %s") % quote[:80]
    if errors:
        raise Unreadable(errors)
    reading = check_points(parse_points(json.dumps(found), rubric), rubric, _text(seat, turn))
    if reading.status != OK:
        raise Unreadable({names[0]: reading.error})
    return Verdict(status=OK, value=reading.value, points=reading.points)


def _findings(text: str, *, is_quoted: bool) -> list[str]:
    """Passages, one a line; where none is quoted, as many empty ones as the number says."""
    if is_quoted:
        return [line.strip() for line in text.splitlines() if line.strip()][:MOST_FINDINGS]
    if not text.strip():
        return []
    if not (text.isascii() and text.strip().isdigit()) or int(text) > MOST_FINDINGS:
        raise ValueError(_("A whole number from 0 to %d is meant.") % MOST_FINDINGS)
    return [""] * int(text)


def _text(seat: Assignment, turn: int) -> str:
    turns = seat.answer.turns
    return turns[turn - 1] if turn else "\n\n".join(turns)
