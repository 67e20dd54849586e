"""What was filled in on a ballot and is shown again: posted and not recorded, beside a comment, kept over a sign-in, or taken back by Undo."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, QueryDict

from judging.assignment import open_seats
from judging.ballots import OVERALL, SCALES, VALUES, field_name
from judging.models import Assignment, Grade, Judge, KeptOut, Preference, Run
from judging.standing import in_hand
from judging.voting import DIMENSIONS, FIVE, FOUR, Voting

LARGEST = 40_000  # characters that are kept in the session
UNSENT = "unsent"  # in the session: what was posted by somebody who was signed out, or beside a comment

Seat = Assignment.Status


WHY = ("cause", "reason")  # of a skip and of a flag


@dataclass(frozen=True)
class Filled:
    """What was posted by one form of the ballot: "cast", "skip", "flag" or "comment".

    Without scripts all are one form, so that whichever is sent brings what was filled in for all: why somebody would skip or
    flag is "skip-cause", "skip-reason" and so on in it, and a comment "comment-text".
    """

    form: str = ""
    fields: QueryDict = field(default_factory=QueryDict)

    def of(self, form: str) -> QueryDict:
        """What stood in this form: nothing where it was another one, that does not bring it along."""
        return self.fields if form in (self.form, "cast") else QueryDict()

    def why(self, form: str) -> dict[str, str]:
        """Why somebody would skip or flag, as far as it was filled in."""
        return why(self.fields, form, is_sent=self.form == form)

    @property
    def comment(self) -> str:
        """What somebody would say of the item, as far as it was filled in."""
        return comment(self.fields)


def why(fields: Mapping[str, str], form: str, *, is_sent: bool = True) -> dict[str, str]:
    """The cause and the reason of a "skip" or "flag", "" each where there is none; by their plain names in the form sent alone."""
    return {name: fields.get(f"{form}-{name}", "") or (fields.get(name, "") if is_sent else "") for name in WHY}


def comment(fields: Mapping[str, str]) -> str:
    """What is said of the item, "" where nothing is."""
    return fields.get("comment-text", "") or fields.get("text", "")


def posted(request: HttpRequest) -> Filled:
    """What is posted, by the name of the address."""
    return Filled(request.resolver_match.url_name, request.POST)


# Over a sign-in, and beside a comment


def keep(request: HttpRequest) -> None:
    """Put what was posted to a seat by somebody who was signed out into their session, which signing in goes on with."""
    token = request.resolver_match.kwargs.get("token")
    if request.method == "POST" and Assignment.objects.filter(token=token, status=Seat.LEASED).exists():
        _put(request, token, {})


def keep_beside(request: HttpRequest, seat: Assignment) -> None:
    """The same of what was filled in beside a comment, which is sent: all but the comment."""
    let_go(request, seat)
    if seat.status == Seat.LEASED:
        _put(request, seat.token, {"is_sent": True, "form": "cast"}, but=("text", "comment-text"))


def _put(request: HttpRequest, token: UUID, told: dict[str, Any], *, but: Collection[str] = ()) -> None:
    but = {"csrfmiddlewaretoken", *but}
    fields = {name: values for name, values in request.POST.lists() if name not in but}
    if fields and len(str(fields)) <= LARGEST:
        where = {"form": request.resolver_match.url_name, "token": str(token), "fields": fields}
        request.session[UNSENT] = where | told


@dataclass(frozen=True)
class Kept:
    """What the session has of a seat; `is_sent` where it stood beside a comment, which is on record."""

    seat: Assignment
    filled: Filled
    is_sent: bool


def kept(request: HttpRequest, run: Run, judge: Judge) -> Kept | None:
    """What the session has of a seat in this run; None where that is nothing, the seat is not this person's, or an item that Undo
    brought back goes before it. At most two queries."""
    told = request.session.get(UNSENT)
    if not told:
        return None
    mine = open_seats().filter(run=run, judge=judge, status=Seat.LEASED)
    seat = mine.exclude(purpose=Assignment.Purpose.ADJUDICATION).filter(token=told["token"]).first()
    if seat is None or in_hand(run, judge).filter(pk__lt=seat.pk).exists():
        return None
    fields = QueryDict(mutable=True)
    for name, values in told["fields"].items():
        fields.setlist(name, values)
    return Kept(seat, Filled(told["form"], fields), is_sent=told.get("is_sent", False))


def let_go(request: HttpRequest, seat: Assignment) -> None:
    """Forget what was kept of this seat: it is on record now."""
    if request.session.get(UNSENT, {}).get("token") == str(seat.token):
        del request.session[UNSENT]


# Taken back


def taken_back(seat: Assignment) -> Filled:
    """The vote that Undo took back last from this seat; nothing where there is none. One query."""
    table = Grade if seat.answer_id else Preference
    of_this_seat = Q(kept_out=KeptOut.REPEAT)
    said = table.objects.filter(superseded_at__isnull=False, run=seat.run_id, judge=seat.judge_id, **seat.item)
    said = said.filter(of_this_seat if seat.purpose == Assignment.Purpose.REPEAT else ~of_this_seat)
    rows = list(said.order_by("-superseded_at", "-pk"))
    fields = QueryDict(mutable=True)
    for row in rows:
        if row.superseded_at == rows[0].superseded_at:
            fields.update(_marks(row) if seat.answer_id else _choices(row, Voting.of(seat.run).ballot))
            fields["note"] = row.note
            fields.setlist("reasons", row.reasons)
    return Filled("cast", fields)


def _choices(row: Preference, ballot: str) -> dict[str, str]:
    """What was chosen on one turn, as it was shown."""
    sign = -1.0 if row.swapped else 1.0
    whole = _word(row.value_shown, both_bad=row.both_bad, scale=FIVE if ballot == FIVE else FOUR)
    parts = {key: _word(sign * value, both_bad=False, scale=DIMENSIONS) for key, value in row.scores.items()}
    return {field_name("choice", row.turn, key): word for key, word in {**parts, OVERALL: whole}.items()}


def _word(value: float | None, *, both_bad: bool, scale: str) -> str:
    return next((word for word in SCALES[scale] if VALUES[word] == (value, both_bad)), "")


def _marks(row: Grade) -> dict[str, str]:
    """The marks of one turn, or what cost or earned points."""
    if not row.points:
        marks = row.scores or {OVERALL: row.score}
        return {field_name("mark", row.turn, key): _number(mark) for key, mark in marks.items()}
    found: dict[str, list[str]] = {}
    for point in row.points:
        found.setdefault(point["key"], []).append(point["quote"])
    return {field_name("points", row.turn, key): _findings(quotes) for key, quotes in found.items()}


def _findings(quotes: list[str]) -> str:
    """Passages, one a line; where none is quoted, how many there are."""
    return "\n".join(quotes) if any(quotes) else str(len(quotes))


def _number(mark: float) -> str:
    return str(int(mark)) if mark == int(mark) else str(mark)
