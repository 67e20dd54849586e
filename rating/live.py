"""Live boards: what the standing counts say between two snapshots, at a cost that does not grow with the votes.

Counts do not know which votes share a question. So each interval is that of independent votes, made wider by what the current
snapshot found for the same model on the same board (`Rating.inflation`), or for the board's middle model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from numpy.typing import NDArray

from arena.inserting import insert
from arena.live import ring
from arena.models import Category
from judging.models import Judge, Rubric
from rating import stats
from rating.counting import PEOPLE
from rating.data import TIE, columns, newest, silent_members
from rating.failed import Failures, Tally
from rating.methods import BT, SCORE, Recipe, Told, rows_by_model, told
from rating.models import Leaderboard, LiveBoard, PairCount, Rating, ScoreCount
from rating.ratings import Rated, each_once, totalled
from rating.sorting import members
from rating.stats.intervals import student
from rating.stats.ranks import ranked

Table = dict[str, NDArray[Any]]
Place = tuple[str, str, int | None]
KEYS = ("category", "rubric", "judge")


def refresh(leaderboard: Leaderboard, recipe: Recipe) -> None:
    """Rate the benchmark from its standing counts and keep that as its live boards, in place of older ones.

    The work depends on the number of models, categories and judges. Nothing is kept where a vote was counted or a
    snapshot taken meanwhile: the next refresh, or that snapshot, knows better. The counts know flips as ties only: under
    another rule there are no live boards, and readers see the snapshot until the next one is due.
    """
    seen = Leaderboard.objects.get(pk=leaderboard.pk)
    if not is_possible(seen):
        LiveBoard.objects.filter(leaderboard=seen).delete()
        return
    spread, silent = _Spread(seen), silent_members(seen.benchmark_id)
    found: list[Rated] = []
    if BT in recipe.methods:
        found += _of_pairs(seen, recipe, spread, silent)
    if SCORE in recipe.methods:
        found += _of_scores(seen, recipe, spread, silent)
    found += _emptied(seen, {(board.source, board.method, board.category) for board in found})
    with transaction.atomic():
        same = Leaderboard.objects.filter(pk=seen.pk, changes=seen.changes, current=seen.current_id)
        if not same.select_for_update().exists():
            return
        LiveBoard.objects.filter(leaderboard=seen).delete()
        _insert(seen, found)
    ring(f"board-{leaderboard.benchmark_id}")


def refresh_places(leaderboard: Leaderboard, recipe: Recipe, places: Iterable[Place]) -> list[Place]:
    """Rate some boards of the benchmark anew, those that are looked at, and keep them as its live boards; which they were.

    The work is that of these boards alone: within a moment of a vote, where all of them together take seconds.
    """
    seen = Leaderboard.objects.get(pk=leaderboard.pk)
    if not is_possible(seen) or seen.current_id is None:
        return []
    wanted = [place for place in dict.fromkeys(places) if place[1] in recipe.methods and place[0] != Rating.CALIBRATED]
    silent = silent_members(seen.benchmark_id)
    found: list[Rated] = []
    for category in {place[2] for place in wanted}:
        mine = [place for place in wanted if place[2] == category]
        spread = _Spread(seen, mine)
        codes = _codes_of(seen, recipe, category)
        for method, boards in ((BT, _of_pairs), (SCORE, _of_scores)):
            if any(place[1] == method for place in mine):
                rated = boards(seen, recipe, spread, silent, only=(category, codes))
                found += [board for board in rated if (board.source, board.method, board.category) in mine]
    return _keep(seen, found)


def _codes_of(leaderboard: Leaderboard, recipe: Recipe, category: int | None) -> list[int] | None:
    """The categories that a board of this category, or of this kind of them, is of; None for all."""
    if category is None:
        return None
    return [one for one, kind in recipe.kinds.items() if kind == category] or [category]


def _keep(seen: Leaderboard, found: list[Rated]) -> list[Place]:
    """Put these in the places of older ones, unless a vote or a snapshot came meanwhile, which the next refresh knows."""
    places = [(board.source, board.method, board.category) for board in found]
    with transaction.atomic():
        same = Leaderboard.objects.filter(pk=seen.pk, current=seen.current_id)
        if not found or not same.select_for_update().exists():
            return []
        for board in found:
            _remember_totals(seen, board)
        for source, method, category in places:
            LiveBoard.objects.filter(leaderboard=seen, source=source, method=method, category=category).delete()
        _insert(seen, found)
    return places


def _remember_totals(leaderboard: Leaderboard, board: Rated) -> None:
    """Give an overall board the totals it showed before: new ones need every category, and come with the next refresh."""
    if board.category is not None:
        return
    place = {"source": board.source, "method": board.method, "category": None}
    shown = LiveBoard.objects.filter(leaderboard=leaderboard, **place).first()
    if shown:
        before = {row["model"]: row.get("weighted") for row in shown.rows}
    else:
        rows = Rating.objects.filter(snapshot=leaderboard.current_id, language="", **place)
        before = dict(rows.values_list("model", "weighted"))
    for model, row in board.rows.items():
        row["weighted"] = before.get(model)


def _insert(leaderboard: Leaderboard, found: Iterable[Rated]) -> None:
    at = timezone.now()
    rows = []
    for board in found:
        lines = json.dumps([{"model": model, **row} for model, row in board.rows.items()])
        place = leaderboard.pk, board.source, board.method, board.category
        rows.append((*place, lines, json.dumps(board.notes), at))
    insert(LiveBoard, ("leaderboard", "source", "method", "category", "rows", "notes", "at"), rows)


def is_possible(leaderboard: Leaderboard) -> bool:
    """Whether the standing counts say what this board's recipe asks for."""
    return leaderboard.recipe.get("flips", TIE) == TIE


def _emptied(leaderboard: Leaderboard, there: set[Place]) -> Iterator[Rated]:
    """A board without rows for each that the snapshot has and the counts no longer do: all its votes were taken back."""
    had = Rating.objects.filter(snapshot=leaderboard.current_id, method__in=(BT, SCORE), language="")
    had = had.exclude(source=Rating.CALIBRATED).order_by().values_list("source", "method", "category").distinct()
    yield from (Rated(*place, {}) for place in had if place not in there)


class _Spread:
    """How much questions widen the intervals of each board of the current snapshot, and where they are few. Three queries.

    With `places` it knows those alone.
    """

    def __init__(self, leaderboard: Leaderboard, places: Iterable[Place] | None = None):
        self.by_place: dict[Place, dict[int, float]] = {}
        notes = leaderboard.current.notes if leaderboard.current else []
        keys = dict(Category.objects.values_list("key", "pk"))
        self._few = {
            (note["source"], note["method"], keys.get(note["category"]))
            for note in notes
            if note["note"] == stats.FEW_CLUSTERS
        }
        known = Rating.objects.filter(snapshot=leaderboard.current_id, inflation__isnull=False, language="")
        if places is not None:
            known = known.filter(_any_of(places))
        for *place, model, inflation in known.values_list("source", "method", "category", "model", "inflation"):
            self.by_place.setdefault(tuple(place), {})[model] = inflation

    def few(self, place: Place) -> bool:
        """Whether the snapshot had few questions there."""
        return place in self._few

    def of(self, place: Place, models: NDArray[Any]) -> NDArray[np.float64]:
        """The factor of each model (m,), never below 1; the board's median for a model it does not know."""
        known = self.by_place.get(place, {})
        middle = float(np.median([*known.values()])) if known else 1.0
        return np.maximum([known.get(int(model), middle) for model in models], 1.0)


def _any_of(places: Iterable[Place]) -> Q:
    """Rows of any of these places."""
    wanted = Q(pk__in=())
    for source, method, category in places:
        wanted |= Q(source=source, method=method, category=category)
    return wanted


Only = tuple[int | None, list[int] | None]
"""The one board that is wanted: its category or kind, and the categories it is of; None for all."""


@dataclass(frozen=True)
class _Counts:
    """Counts that are more than nothing: `read` of what has a value, `failed` of what has none; both by column, (n,) each."""

    read: Table
    failed: Table


def _read(
    table: type[PairCount] | type[ScoreCount],
    leaderboard: Leaderboard,
    keys: tuple[str, ...],
    sums: tuple[str, ...],
    *,
    only: Only | None = None,
) -> _Counts:
    """The benchmark's counts under the newest version of each rubric: `keys` and `sums` beside category, rubric and judge.

    Where `only` one board is wanted the database adds up its categories, and the column says that board's. Two queries.
    """
    counts = table.objects.filter(benchmark=leaderboard.benchmark_id)
    if only is None:
        rows = columns(counts, **{name: name for name in (*KEYS, *keys, *sums)})
    else:
        category, codes = only
        counts = counts if codes is None else counts.filter(category__in=codes)
        by = (*KEYS[1:], *keys)
        rows = columns(counts.values(*by), **{name: name for name in by}, **{name: Sum(name) for name in sums})
        rows["category"] = np.full(len(rows["n"]), -1 if category is None else category)
    used, tried = (set(np.unique(rows["rubric"][rows[part] > 0]).tolist()) for part in ("n", "failed"))
    known = list(Rubric.objects.values_list("pk", "name", "version"))
    rows = _some(rows, np.isin(rows["rubric"], newest(known, used, tried=tried)))
    return _Counts(_some(rows, rows["n"] > 0), _some(rows, rows["failed"] > 0))


def _some(rows: Table, mask: NDArray[np.bool_]) -> Table:
    return {name: column[mask] for name, column in rows.items()}


def _sources(rows: Table, names: Mapping[int, str], silent: list[int]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """All, people, judges, and each machine judge alone, with the counts (n,) of each. `silent` ones speak for themselves only."""
    person, speaks = rows["judge"] == PEOPLE, ~np.isin(rows["judge"], silent)
    machines = np.unique(rows["judge"][~person]).tolist()
    masks = {Rating.ALL: speaks, Rating.PEOPLE: person, Rating.JUDGES: ~person & speaks}
    masks |= {f"judge:{names[judge]}": rows["judge"] == judge for judge in machines}
    yield from ((source, mask) for source, mask in masks.items() if mask.any())


def _boards(
    counts: _Counts, method: str, rate: Any, recipe: Recipe, silent: list[int], *, only: Only | None
) -> Iterator[Rated]:
    """The boards of these counts, with what failed; one query for the names of judges."""
    rows, failed = counts.read, counts.failed
    codes = set(np.unique(np.concatenate([rows["category"], failed["category"]])).tolist())
    machines = set(np.unique(np.concatenate([rows["judge"], failed["judge"]])).tolist())
    names = {judge.pk: str(judge) for judge in Judge.objects.filter(pk__in=machines)}

    def of_source(source: str, mask: NDArray[np.bool_]) -> list[Rated]:
        mine = _some(rows, mask)
        found = []
        there = np.unique(mine["category"]).tolist()
        wanted = (
            {only[0]: there} if only else {None: there, **{one: [one] for one in there}, **members(recipe.kinds, there)}
        )
        for category, codes in wanted.items():
            part = mine if category is None else _some(mine, np.isin(mine["category"], codes))
            place = (source, method, category)
            try:
                found.append(Rated.of(*place, rate(part, place)))
            except stats.StatsError as error:
                found.append(Rated.unrated(*place, error))
        return totalled(found, recipe)

    failures = Failures(_tally(failed), names, silent, members(recipe.kinds, codes))
    yield from map(failures.on, each_once(_sources(rows, names, silent), of_source))


def _tally(failed: Table) -> Tally:
    """What failed, about each model that it is about: one for a score, both for a battle."""
    about = [failed[name] for name in ("model", "first", "second") if name in failed]
    told = {name: np.tile(failed[name], len(about)) for name in ("judge", "category")}
    n = np.tile(failed["failed"], len(about))
    return Tally(**told, model=np.concatenate(about), language=np.full(len(n), -1), n=n)


def _of_pairs(
    leaderboard: Leaderboard, recipe: Recipe, spread: _Spread, silent: list[int], *, only: Only | None = None
) -> Iterator[Rated]:
    sums = "n", "ties", "share", "squares", "failed"
    counts = _read(PairCount, leaderboard, ("first", "second"), sums, only=only)
    rows = counts.read
    models = np.unique(np.concatenate([rows["first"], rows["second"]]))
    coded = rows | {side: np.searchsorted(models, rows[side]) for side in ("first", "second")}

    def rate(part: Table, place: Place) -> Told:
        table = _table(part, len(models))
        fitted = stats.fit_counts(table, level=recipe.level, inflation=spread.of(place, models), few=spread.few(place))
        return told(models, fitted, table, level=recipe.level)

    yield from _boards(replace(counts, read=coded), BT, rate, recipe, silent, only=only)


def _table(part: Table, models: int) -> stats.Counts:
    """Counts of pairs as tables (m, m); judges and categories added up."""
    cell = part["first"] * models + part["second"]

    def square(weights: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(cell, weights, minlength=models * models).reshape(models, models)

    n, ties, share, squares = (square(part[name]) for name in ("n", "ties", "share", "squares"))
    return stats.Counts(
        wins=share + (n - share).T, games=n + n.T, ties=ties + ties.T, squares=squares + (n - 2.0 * share + squares).T
    )


def _of_scores(
    leaderboard: Leaderboard, recipe: Recipe, spread: _Spread, silent: list[int], *, only: Only | None = None
) -> Iterator[Rated]:
    """Mean scores under the rubric that most grades were given under, as in a snapshot."""
    counts = _read(ScoreCount, leaderboard, ("model",), ("n", "total", "squares", "failed"), only=only)
    rows = counts.read
    if not len(rows["n"]):
        return
    per_rubric = {int(rubric): rows["n"][rows["rubric"] == rubric].sum() for rubric in np.unique(rows["rubric"])}
    most = max(per_rubric, key=lambda rubric: (per_rubric[rubric], rubric))
    rows, failed = (_some(part, part["rubric"] == most) for part in (rows, counts.failed))
    models = np.unique(rows["model"])
    rows["model"] = np.searchsorted(models, rows["model"])

    def rate(part: Table, place: Place) -> Told:
        return _means(part, models, spread.of(place, models), level=recipe.level)

    yield from _boards(_Counts(rows, failed), SCORE, rate, recipe, silent, only=only)


def _means(part: Table, models: NDArray[Any], inflation: NDArray[np.float64], *, level: float) -> Told:
    """Means of scores from n, total and squares; a mean of one score, or of equal ones, has no interval."""
    n, total, squares = (
        np.bincount(part["model"], part[name], minlength=len(models)) for name in ("n", "total", "squares")
    )
    unknown = np.full(len(models), np.nan)
    mean = np.divide(total, n, out=unknown.copy(), where=n > 0)
    spread = np.maximum(squares - total * mean, 0.0)
    known = (n > 1) & (spread > 1e-9 * np.maximum(squares, 1e-300))
    variance = np.divide(spread, (n - 1) * n, out=unknown.copy(), where=known) * inflation
    half = student(level, np.inf) * np.sqrt(variance)
    apart = student(level, np.inf) * np.sqrt(variance[:, None] + variance[None, :])
    ranks = ranked(mean, mean[:, None] - mean[None, :] > apart, component=np.where(n > 0, 0, -1))
    return Told(rows_by_model(models, mean, mean - half, mean + half, ranks, n, unknown, inflation))
