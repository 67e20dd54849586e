"""Boards, snapshots, ratings and agreement: what follows from the record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from arena.models import Benchmark
from rating import boards, meta, meta_page, worth
from rating.api.models import model_ref
from rating.api.problems import ProblemRow, unusable
from rating.api.rows import LARGEST, Data, Id, ModelRef, Page, Paging, check_parameters, narrowed, one, paged, plain
from rating.models import Leaderboard, Rating, Snapshot
from rating.seen import Seen

router = Router(tags=["Boards"])


class BoardListed(Schema):
    """A benchmark's board, and what may be asked of it."""

    id: int = Field(description="id of the benchmark, by which the board is asked for")
    benchmark: str
    version: str
    snapshot: int | None = Field(description="id of the newest snapshot; null before anything was rated")
    recipe: Data


class SnapshotRow(Schema):
    """All ratings and agreement of a board at one moment; it never changes."""

    id: int
    benchmark: int = Field(description="its id")
    digest: str = Field(description="SHA-256 of the input columns, the recipe and the code version")
    code_version: str
    recipe: Data
    n: int = Field(description="judgments counted")
    excluded: dict[str, int] = Field(description="judgments left out, by reason")
    provenances: list[str] = Field(description="what the counted rows are: real, imported, demo, dry_run")
    judges: Data = Field(description="id of each judge → the name that this snapshot knows it by")
    is_current: bool
    passing: bool = Field(description="taken while votes came in")
    created_at: datetime


class RatingFields(Schema):
    rating: float | None = Field(description="on the Elo scale, or a mean score; null: not rated")
    low: float | None = Field(description="lower end of the interval")
    high: float | None
    rank: int | None
    rank_low: int | None = Field(description="best rank the data allow")
    rank_high: int | None = Field(description="worst rank the data allow")
    n: int = Field(description="judgments")
    n_failed: int | None = Field(
        description="verdicts of machine judges that would be in n and failed; null: nobody counted, as in older snapshots"
    )
    win_rate: float | None = Field(description="from 0 to 1, a tie as half")
    weighted: float | None = Field(description="total over categories by the recipe’s weights")


class BoardLine(RatingFields):
    model: ModelRef
    is_preliminary: bool
    ties_with_leader: bool = Field(description="whether the data cannot tell it from the first")


class Gap(Schema):
    model: str
    n: int = Field(description="judgments")
    n_failed: int | None = Field(description="verdicts that failed; null: nobody counted")
    due: int = Field(description="judgments that the most judged model beside it has, with those that failed")


class BoardRow(Schema):
    benchmark: int = Field(description="its id")
    snapshot: int | None = Field(description="null before anything was rated")
    is_live: bool = Field(description="whether the rows count votes that came since the snapshot")
    is_held: bool = Field(
        description="whether newer figures are kept from you: people are voting, and none may see a figure move with a vote"
    )
    category: str = Field(description="its key, or all")
    source: str = Field(description="all, people, judges, calibrated, or judge:NAME")
    method: str = Field(description="bt, elo, style or score")
    language: str | None = Field(description="of the questions; null: all")
    level: float = Field(description="of the intervals, as a share")
    n: int = Field(description="judgments")
    excluded: dict[str, int]
    notes: list[str] = Field(description="what must be said about this board")
    uneven: list[Gap] = Field(
        description="models that lack over 5 % of the judgments that others have, the worst first"
    )
    provenances: list[str]
    rows: list[BoardLine]
    details: Data = Field(description="what the method tells beside the ratings, such as coefficients of style")


class RatingRow(RatingFields):
    """One rating of one snapshot; in the order of ids they are the history of a model."""

    id: int
    snapshot: int
    taken_at: datetime
    benchmark: int
    source: str
    method: str
    category: str
    language: str | None
    model: ModelRef
    provenances: list[str]


class Rows(Schema):
    """Rows of one snapshot, as the page of the same name shows them; what is undefined is null, and `note` says why."""

    benchmark: int
    snapshot: int | None
    provenances: list[str]
    rows: list[Data]


class MetaEvaluation(Schema):
    """Machine judges beside what most people say of the same pairs, by a policy."""

    benchmark: int = Field(description="its id")
    flips: str = Field(description="what becomes of two orders that differ")
    unread: str = Field(description="what becomes of a battle without a readable verdict")
    policy: str = Field(description="both in words")
    people: int = Field(description="how many judged")
    battles: int = Field(description="battles with a verdict that has the most people")
    undecided: int = Field(description="battles left out because no verdict has the most people")
    rows: list[Data] = Field(description="each judge over all, in each group and category")
    people_among_themselves: list[Data] = Field(description="one person beside the others, where several judged")
    excluded: dict[str, int] = Field(description="judgments left out, by reason")


class MetaWanted(Schema):
    flips: str = Field(meta.WRONG, description=f"{', '.join(meta.FLIPS)}")
    unread: str = Field(meta.LEAVE_OUT, description=f"{', '.join(meta.UNREAD)}")


class BoardFilters(Paging):
    pass


class BoardWanted(Schema):
    category: str | None = Field(None, description="its key; all of them without one")
    source: str = Field("all", max_length=140, description="all, people, judges, calibrated, or judge:NAME")
    method: str | None = Field(
        None, description="bt, elo, style or score; without one the first there is for the source"
    )
    language: str | None = Field(None, max_length=12)


class SnapshotFilters(Paging):
    benchmark: Id | None = Field(None, description="its id")


class RatingFilters(Paging):
    benchmark: Id | None = Field(None, description="its id")
    snapshot: Id | None = Field(None, description="its id")
    model: Id | None = Field(None, description="its id")
    source: str | None = None
    method: str | None = None
    category: str | None = Field(None, description="its key, or all for the rows over all categories")
    language: str | None = Field(None, description="empty for the rows over all languages")


@router.get("/boards", response=Page[BoardListed], summary="Boards")
def listed(request: HttpRequest, filters: Query[BoardFilters]) -> Data:
    """Every benchmark that has one."""
    seen = Seen.of(request.user)
    return paged(request, Leaderboard.objects.select_related("benchmark"), filters, lambda row: _listed(row, seen))


@router.get(
    "/boards/{int:pk}", response={200: BoardRow, 404: ProblemRow, 422: ProblemRow}, summary="A board as it is now"
)
def board(request: HttpRequest, pk: int, filters: Query[BoardWanted]) -> Data:
    """With the votes that came since the newest snapshot; as before the vote for whoever may not know who wrote what."""
    found = one(Benchmark.objects, pk)
    seen = Seen.of(request.user, found)
    return _board(request, found, filters, seen.latest(found), live=True, is_held=seen.is_held(found))


@router.get("/boards/{int:pk}/agreement", response=Rows, summary="Agreement as it is now")
def agreement(request: HttpRequest, pk: int) -> Data:
    """People with people, people with judges, judges with judges, and each with itself; by category."""
    found = one(Benchmark.objects, pk)
    return _agreement(found, Seen.of(request.user, found).latest(found))


@router.get("/boards/{int:pk}/judges", response=Rows, summary="What each judge is worth now")
def judge_health(request: HttpRequest, pk: int) -> Data:
    """Whether each machine judge is trusted in each category, and why; its failures, leanings, drift and cost."""
    found = one(Benchmark.objects, pk)
    return _health(found, Seen.of(request.user, found).latest(found))


@router.get(
    "/boards/{int:pk}/meta",
    response={200: MetaEvaluation, 403: ProblemRow, 404: ProblemRow, 422: ProblemRow},
    summary="Judges beside people’s verdicts on pairs, as it is now",
)
def meta_evaluation(request: HttpRequest, pk: int, wanted: Query[MetaWanted]) -> Data:
    """Agreement with and without ties, κ, consistency over both orders and the distance from the best judge, with intervals."""
    check_parameters(request, wanted)
    found = one(Benchmark.objects, pk)
    Seen.of(request.user, found).votes_of(found)
    try:
        policy = meta.Policy(wanted.flips, wanted.unread)
    except ValueError as error:
        name, _colon, why = str(error).partition(": ")
        raise unusable((name, why)) from None
    told = meta_page.comparison(found, policy)
    return {**plain(told.as_json()), "benchmark": found.pk}


@router.get("/snapshots", response=Page[SnapshotRow], summary="Snapshots")
def snapshots(request: HttpRequest, filters: Query[SnapshotFilters]) -> Data:
    """All snapshots in the order they were taken, with recipe and digest."""
    rows = Seen.of(request.user).of_these(Snapshot.objects.select_related("leaderboard").defer("details", "notes"))
    return paged(request, narrowed(rows, {"leaderboard__benchmark": filters.benchmark}), filters, _snapshot)


@router.get("/snapshots/{int:pk}", response={200: SnapshotRow, 403: ProblemRow}, summary="One snapshot")
def snapshot(request: HttpRequest, pk: int) -> Data:
    return _snapshot(_found(request, pk))


@router.get(
    "/snapshots/{int:pk}/board",
    response={200: BoardRow, 403: ProblemRow, 404: ProblemRow, 422: ProblemRow},
    summary="A board of one snapshot",
)
def snapshot_board(request: HttpRequest, pk: int, filters: Query[BoardWanted]) -> Data:
    """The same for ever."""
    found = _found(request, pk)
    return _board(request, found.leaderboard.benchmark, filters, found, live=False, is_held=False)


@router.get("/snapshots/{int:pk}/agreement", response={200: Rows, 403: ProblemRow}, summary="Agreement in one snapshot")
def snapshot_agreement(request: HttpRequest, pk: int) -> Data:
    found = _found(request, pk)
    return _agreement(found.leaderboard.benchmark, found)


@router.get(
    "/snapshots/{int:pk}/judges",
    response={200: Rows, 403: ProblemRow},
    summary="What each judge was worth in one snapshot",
)
def snapshot_health(request: HttpRequest, pk: int) -> Data:
    found = _found(request, pk)
    return _health(found.leaderboard.benchmark, found)


@router.get("/ratings", response=Page[RatingRow], summary="Ratings of all snapshots")
def ratings(request: HttpRequest, filters: Query[RatingFilters]) -> Data:
    """The history: filter by benchmark, source, method, category and model."""
    wanted = {
        "snapshot__leaderboard__benchmark": filters.benchmark,
        "snapshot": filters.snapshot,
        "model": filters.model,
        "source": filters.source,
        "method": filters.method,
        "language": filters.language,
    }
    rows = Rating.objects.select_related("snapshot__leaderboard", "category", "model")
    rows = narrowed(Seen.of(request.user).of_these(rows, "snapshot__"), wanted)
    rows = rows.defer("snapshot__details", "snapshot__notes", "snapshot__judges", "snapshot__recipe")
    if filters.category is not None:
        rows = (
            rows.filter(category=None)
            if filters.category == boards.ALL
            else rows.filter(category__key=filters.category)
        )
    return paged(request, rows, filters, _rating)


def _found(request: HttpRequest, pk: int) -> Snapshot:
    """Raises Http404; PermissionDenied where the snapshot is kept from whoever votes."""
    if pk > LARGEST:
        raise Http404
    return Seen.of(request.user).snapshot(pk)


def _listed(row: Leaderboard, seen: Seen) -> Data:
    told = {"id": row.benchmark_id, "benchmark": row.benchmark.name, "version": row.benchmark.version}
    newest = row.current_id
    if seen.is_held(row.benchmark):
        newest = held.pk if (held := seen.latest(row.benchmark)) else None
    return {**told, "snapshot": newest, "recipe": row.recipe}


def _snapshot(row: Snapshot) -> Data:
    names = ("digest", "code_version", "recipe", "n", "excluded", "provenances", "judges", "passing", "created_at")
    board = row.leaderboard
    told = {"id": row.pk, "benchmark": board.benchmark_id, "is_current": board.current_id == row.pk}
    return {**told, **{name: getattr(row, name) for name in names}}


def _board(
    request: HttpRequest, benchmark: Benchmark, wanted: BoardWanted, held: Snapshot | None, *, live: bool, is_held: bool
) -> Data:
    """A board of this snapshot, or live. Raises Problem for a category or method there is not."""
    check_parameters(request, wanted)
    try:
        board = boards.board_in(
            held,
            benchmark,
            category=wanted.category,
            source=wanted.source,
            method=wanted.method or boards.choices(held).method(wanted.source),
            language=wanted.language or "",
            live=live and not is_held,
        )
    except boards.NoSuchBoard as error:
        raise unusable((error.what, str(error))) from None
    return {
        "benchmark": benchmark.pk,
        "snapshot": held.pk if held else None,
        "is_live": board.live is not None,
        "is_held": is_held,
        "category": boards.key_of(board.category),
        "source": board.source,
        "method": board.method,
        "language": wanted.language or None,
        "level": board.level,
        "n": board.n,
        "excluded": board.excluded,
        "notes": list(board.note_names),
        "uneven": [gap.as_json() for gap in board.gaps],
        "provenances": held.provenances if held else [],
        "rows": [_line(line) for line in board.lines],
        "details": plain(board.details),
    }


FIGURES = tuple(RatingFields.model_fields)


def _line(line: Any) -> Data:
    row = line.rating
    told = {name: getattr(row, name) for name in FIGURES}
    return {**told, "model": model_ref(row.model), "is_preliminary": line.preliminary, "ties_with_leader": line.tied}


def _rating(row: Rating) -> Data:
    held = row.snapshot
    return {
        "id": row.pk,
        "snapshot": held.pk,
        "taken_at": held.created_at,
        "benchmark": held.leaderboard.benchmark_id,
        "source": row.source,
        "method": row.method,
        "category": boards.key_of(row.category),
        "language": row.language or None,
        "model": model_ref(row.model),
        "provenances": held.provenances,
        **{name: getattr(row, name) for name in FIGURES},
    }


def _agreement(benchmark: Benchmark, held: Snapshot | None) -> Data:
    rows = boards.agreement_rows(benchmark, snapshot=held).as_json()["rows"] if held else []
    return _rows(benchmark, held, rows)


def _health(benchmark: Benchmark, held: Snapshot | None) -> Data:
    return _rows(benchmark, held, worth.judges(benchmark, snapshot=held).as_json()["rows"] if held else [])


def _rows(benchmark: Benchmark, held: Snapshot | None, rows: list[Data]) -> Data:
    told = {"benchmark": benchmark.pk, "snapshot": held.pk if held else None}
    return {**told, "provenances": held.provenances if held else [], "rows": plain(rows)}
