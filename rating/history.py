"""The snapshots of a board, newest first, each with what changed since the one before."""

from __future__ import annotations

from dataclasses import dataclass, field

from rating.changed import Overall, names, overall, sentences
from rating.models import Leaderboard, Snapshot
from rating.seen import EVERYTHING, Seen
from rating.trend import Trend, trend

PAGE = 30
HEAVY = ("notes", "details", "excluded", "judges")


@dataclass(frozen=True)
class Entry:
    """One snapshot: who leads it, and what it says that the one before did not; `since` is that one."""

    snapshot: Snapshot
    board: Overall
    told: list[str]
    since: Snapshot | None = None

    @property
    def leaders(self) -> str:
        return names(row.name for row in self.board.leaders)


@dataclass(frozen=True)
class Fold:
    """Entries in a row: one that is kept for good, or passing ones, which are thinned out and folded away."""

    is_passing: bool
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class History:
    """A page of a board's snapshots; `before` is where the next page begins, None on the last."""

    folds: list[Fold]
    trend: Trend | None
    before: int | None
    total: int

    @property
    def entries(self) -> list[Entry]:
        return [entry for fold in self.folds for entry in fold.entries]


def history(leaderboard: Leaderboard, *, before: int | None = None, seen: Seen = EVERYTHING) -> History:
    """The newest snapshots of the board, or those older than `before`, that are `seen`. Four queries, however many there are.

    A snapshot that is kept for good is told beside the last such one, a passing one beside the one before it.
    """
    every = seen.of_these(leaderboard.snapshots.defer(*HEAVY))
    older = every.filter(pk__lt=before) if before else every
    found = list(older[: PAGE + 1])
    page, rest = found[:PAGE], found[PAGE:]
    kept = [one for one in page if not one.passing]
    last_kept = every.filter(passing=False, pk__lt=page[-1].pk).first() if kept else None
    boards = overall({one.pk: one for one in [*found, *([last_kept] if last_kept else [])]}.values())
    entries = [_entry(one, _since(one, [*page, *rest], kept, last_kept), boards) for one in page]
    return History(_folded(entries), trend(page, boards), page[-1].pk if rest else None, every.count())


def _since(one: Snapshot, all_of_them: list[Snapshot], kept: list[Snapshot], last: Snapshot | None) -> Snapshot | None:
    if one.passing:
        return next((other for other in all_of_them if other.pk < one.pk), None)
    return next((other for other in kept if other.pk < one.pk), last)


def _entry(one: Snapshot, since: Snapshot | None, boards: dict[int, Overall]) -> Entry:
    return Entry(one, boards[one.pk], sentences(since, one, boards), since)


def _folded(entries: list[Entry]) -> list[Fold]:
    folds: list[Fold] = []
    for entry in entries:
        is_passing = entry.snapshot.passing
        if not (folds and is_passing and folds[-1].is_passing):
            folds.append(Fold(is_passing))
        folds[-1].entries.append(entry)
    return folds
