"""Voting by a program: the next item, blind and on its sides, and what its person says of it; exactly as on the ballot's page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema

from arena.frame import is_lead
from arena.planning import planned_once
from judging import assignment, ballots, casting
from judging.access import may_vote_in
from judging.models import Assignment, Run
from judging.reading_ballots import Unreadable
from judging.voting import Voting
from rating.api.problems import Problem, ProblemRow, unusable
from rating.api.rows import Data, one

router = Router(tags=["Votes"])


class TurnShown(Schema):
    asked: str = Field(description="what the user wrote; empty in the last turn, which is the question's own")
    text: str = Field(description="the answer, as Markdown")


class PaneShown(Schema):
    side: str = Field(description="A or B")
    language: str
    turns: list[TurnShown]


class Word(Schema):
    word: str = Field(description="what to send")
    label: str


class FieldShown(Schema):
    """One thing to decide on a ballot that is no single choice."""

    name: str = Field(description="under which to send it")
    label: str
    description: str
    choices: list[Word]
    points: float | None = Field(description="taken off or added for each finding")
    is_quoted: bool = Field(description="send passages of the answer, one a line; else a number")


class SeatShown(Schema):
    """An item in hand. It says nothing of who wrote the answers; its token is for this person and this item."""

    token: UUID
    run: int
    rubric: int = Field(
        description="send it back with the vote: one cast by guidelines that have changed is not counted"
    )
    lease_until: datetime = Field(description="after that the item may be given to others; a vote counts all the same")
    question: str
    earlier: list[str] = Field(description="earlier turns of the user")
    system: str
    category: str
    language: str
    reference: list[str]
    answers: list[PaneShown]
    are_the_same: bool
    choices: list[Word] = Field(description="for `choice`; empty where `fields` are asked for")
    fields: list[FieldShown]
    lowest: float
    highest: float
    reasons: list[Word]
    skip_causes: list[Word]
    flag_causes: list[Word]
    needs_note: bool


class Next(Schema):
    """The next item, or why there is none."""

    seat: SeatShown | None
    why: str | None = Field(description="closed, paused, day, run or nothing, where there is no item")
    done: int = Field(description="items behind this person in this run")
    left: int = Field(description="items to come; 500 where there are more")
    last: UUID | None = Field(description="the seat left last, for undo")


class VoteSent(Schema):
    choice: str | None = Field(None, max_length=10, description="a word of `choices`")
    fields: dict[str, str | float] = Field({}, description="by name, where the ballot has fields", max_length=500)
    note: str = Field("", max_length=2000)
    reasons: list[str] = Field([], max_length=20)
    rubric: int | None = Field(None, description="the guidelines the vote was cast by")
    active_ms: int | None = Field(None, ge=0, le=10**10, description="milliseconds the item was looked at")


class LeaveSent(Schema):
    cause: str = Field("", max_length=40, description="a word of skip_causes or flag_causes")
    reason: str = Field("", max_length=200)
    active_ms: int | None = Field(None, ge=0, le=10**10)


class UndoSent(Schema):
    last: UUID | None = Field(
        None,
        description="what was seen as the last seat: nothing happens where it is another, "
        "unless those after it were refused as `full`; without it, the last one that there is room for",
    )


class Outcome(Schema):
    word: str = Field(description="recorded, practised, skipped, flagged, or already where that was done before")
    text: str


class Held(Schema):
    held: bool


REFUSALS = {401: ProblemRow, 403: ProblemRow, 404: ProblemRow, 409: ProblemRow, 422: ProblemRow}


@router.post("/runs/{int:pk}/seat", response={200: Next, **REFUSALS}, summary="The next item to vote on")
def next_seat(request: HttpRequest, pk: int) -> Data:
    """Asked again before a vote, it gives the same item on the same sides. A post, because it takes the item for ten minutes."""
    run = _run(request, pk)
    judge = assignment.judge_of(request.user)
    if run.status == Run.Status.OPEN and not run.assignments.filter(judge=judge).exists():
        assignment.prepare(run)
    member = assignment.member_of(run, request.user)
    given = casting.next_for(run, judge, member)
    now, seat, why = given.now, given.seat, given.why
    told = {"done": now.done, "left": now.left if seat or why else 0, "last": now.last}
    return {**told, "seat": seat and _shown(seat), "why": None if seat else why or "nothing"}


@router.post("/votes/{uuid:token}", response={200: Outcome, **REFUSALS}, summary="Vote on the item in hand")
def cast(request: HttpRequest, token: UUID, sent: VoteSent) -> Data:
    """Sent twice it counts once: the second time the answer is “already”."""
    post: dict[str, Any] = {
        name: f"{value:g}" if isinstance(value, float) else value for name, value in sent.fields.items()
    }
    post |= {"note": sent.note, "reasons": sent.reasons}
    if sent.choice is not None:
        post["choice"] = sent.choice
    if sent.rubric is not None:
        post["rubric"] = str(sent.rubric)
    return _leave(request, token, casting.count, _timed(post, sent.active_ms))


@router.post(
    "/votes/{uuid:token}/skip", response={200: Outcome, **REFUSALS}, summary="Leave the item: I cannot judge it"
)
def skip(request: HttpRequest, token: UUID, sent: LeaveSent) -> Data:
    return _leave(request, token, casting.skip, _left(sent))


@router.post("/votes/{uuid:token}/flag", response={200: Outcome, **REFUSALS}, summary="Leave the item: it is broken")
def flag(request: HttpRequest, token: UUID, sent: LeaveSent) -> Data:
    """The lead of the run reads why."""
    return _leave(request, token, casting.flag, _left(sent))


@router.post("/votes/{uuid:token}/beat", response={200: Held, 401: ProblemRow}, summary="Hold on to the item")
def beat(request: HttpRequest, token: UUID) -> Data:
    """Ten minutes more from now; not held any longer is what was let go, and what its person may not vote on now."""
    return {"held": casting.beat(token, request.user)}


@router.post("/runs/{int:pk}/undo", response={200: Next, **REFUSALS}, summary="Take the last vote back")
def undo(request: HttpRequest, pk: int, sent: UndoSent) -> Data:
    """Its item is in hand again, on the same sides; what was voted stays on record as superseded. Who is paused takes nothing back."""
    run = _run(request, pk)
    if run.status != Run.Status.OPEN:
        raise Problem(409, _("This run is not open for votes."), word="closed")
    member = assignment.member_of(run, request.user)
    if member.paused_at:
        return next_seat(request, pk)  # what is taken back could not be given again
    last, judge = sent.last, assignment.judge_of(request.user)
    while True:
        try:
            reopened = assignment.undo(run, judge, last=last, member=member)
            break
        except assignment.NoRoom as full:
            if sent.last or full.before is None:
                raise Problem(409, casting.no_room(full).text, word="full") from None
            last = full.before
    if reopened is None:
        raise Problem(409, _("There is nothing more to undo."), word="nothing")
    return next_seat(request, pk)


def _run(request: HttpRequest, pk: int) -> Run:
    """The run, for somebody who may vote in it. Raises Problem, and Http404."""
    run = one(Run.objects.select_related("benchmark", "rubric").exclude(status=Run.Status.DRAFT), pk)
    if may_vote_in(request.user, run):
        return run
    if is_lead(request.user):
        raise Problem(403, _("Leads see who wrote what, so that they vote only where they are annotators as well."))
    raise Problem(403, _("You may not vote in this run."))


@planned_once()
def _leave(request: HttpRequest, token: UUID, act: casting.Act, post: Mapping[str, Any]) -> Data:
    """Do `act` with a seat of this person's own."""
    with transaction.atomic():
        seat = assignment.seat_to_leave(token, request.user)
        if seat is None:
            raise Http404
        member = casting.voter(seat, request.user)
        if member is None:
            raise Problem(403, _("You may not vote in this run."))
        said = casting.why_not(post, seat, member, request.user)
        if said is not None and said.word != "already":
            raise Problem(429 if said.word == "wait" else 409, said.text, word=said.word)
        if said is None:
            try:
                said = act(post, seat, member, request.user)
            except Unreadable as bad:
                raise unusable(*_spelled(bad.errors)) from None
    return {"word": said.word, "text": said.text}


def _spelled(errors: Mapping[str, str]) -> list[tuple[str, str]]:
    own = ("choice", "note", "reason", "cause")
    return [(name if name in own else f"fields.{name}", message) for name, message in errors.items()]


def _left(sent: LeaveSent) -> dict[str, Any]:
    return _timed({"cause": sent.cause, "reason": sent.reason}, sent.active_ms)


def _timed(post: dict[str, Any], active_ms: int | None) -> dict[str, Any]:
    return post if active_ms is None else {**post, "active_ms": str(active_ms)}


def _shown(seat: Assignment) -> Data:
    """What is sent of a seat: the ballot's words, and never who wrote what."""
    question, rubric, run = ballots.question_of(seat), ballots.rubric_of(seat), seat.run
    *earlier, last = question.turns
    return {
        "token": seat.token,
        "run": run.pk,
        "rubric": run.rubric_id,
        "lease_until": seat.lease_until,
        "question": last,
        "earlier": earlier,
        "system": question.system,
        "category": question.category.key,
        "language": question.language,
        "reference": [text for text in question.reference if text],
        "answers": [_pane(pane) for pane in ballots.panes(seat)],
        "are_the_same": ballots.are_the_same(seat),
        "lowest": rubric.lowest,
        "highest": rubric.highest,
        "needs_note": Voting.of(run).needs_note,
        **_ballot(seat),
    }


def _pane(pane: ballots.Pane) -> Data:
    turns = [{"asked": turn.asked, "text": turn.source} for turn in pane.turns]
    return {"side": pane.side, "language": pane.language, "turns": turns}


def _ballot(seat: Assignment) -> Data:
    """What may be said on this ballot."""
    is_one_press = ballots.is_one_press(seat.run)
    rows = [] if is_one_press else [row for part in ballots.form(seat).parts for row in part.rows]
    return {
        "choices": _words((one.word, one.label) for one in ballots.choices(seat.run)) if is_one_press else [],
        "fields": [_field(row) for row in rows],
        "reasons": _words((chip.word, chip.label) for chip in ballots.chips(seat.run, ticked=[])),
        "skip_causes": _words(ballots.skip_causes()),
        "flag_causes": _words(ballots.flag_causes()),
    }


def _field(row: ballots.Row) -> Data:
    names = ("name", "label", "description", "points", "is_quoted")
    return {
        **{name: getattr(row, name) for name in names},
        "choices": _words((one.word, one.label) for one in row.choices),
    }


def _words(pairs: Any) -> list[Data]:
    return [{"word": word, "label": label} for word, label in pairs]
