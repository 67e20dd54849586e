"""Who matters: the ratings without each annotator, and how few votes would change the leader.

Sources: one Newton step from the full fit, where that is little, as in Pregibon (1981), The Annals of Statistics 9; the fewest votes as in Broderick,
Giordano and Meager (2020), An Automatic Finite-Sample Robustness Metric, but every answer is confirmed by a refit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, codes, compressed, same_length
from rating.stats.battles import Battles, Counts, counts
from rating.stats.bradley_terry import POINTS_PER_NAT, SEPARATED
from rating.stats.errors import NotConverged, TooLittleData
from rating.stats.newton import chance, components
from rating.stats.score_sums import inverse_information, pseudo_battles, regular, solved

NOT_FOUND = "not_found"
"""Note: no set of votes was found whose removal changes the leader while all models stay linked."""
TIED = "tied"
"""Note: two models lead with one rating: no vote needs to go."""

MOST_RIVALS = 3
"""Only so many of the models that are closest to the leader, by votes, are tried with refits."""
SMALL_SHARE = 0.05
"""One Newton step stands for the refit while an annotator has no larger share of any model's battles."""
_LEVEL = 1e-9
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The ratings of m models without each of a annotators in turn.

    `annotators` (a,): their codes, sorted; `votes` (a,). `change` (a, m): rating without this annotator less the rating with
    all, in points, a mean of 0 over each component; a row is NaN where the models fall apart or have no finite strengths without this annotator, a
    column where a model has no battles. `leader`: the best model, in the component with most battles; `leaders` (a,):
    the best without this annotator, -1 where the row is NaN. `lead` (a,): points from the leader down to the
    best of the others, negative where the leader changes. `notes`: SEPARATED, where the prior is used in all fits.
    """

    annotators: Ints
    votes: Ints
    change: Floats
    leader: int
    leaders: Ints
    lead: Floats
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overturn:
    """The fewest votes found whose removal puts `rival` above `leader`: `votes` of `of`; confirmed by a refit.

    `rows`: which battles. `votes` is an upper bound: no smaller set was found. None, with NOT_FOUND, without any; 0, with
    TIED, where two lead together.
    """

    leader: int
    rival: int | None
    votes: int | None
    of: int
    rows: Ints
    notes: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """Share 0..1 of all votes."""
        return None if self.votes is None else self.votes / self.of


def leave_one_out(battles: Battles, annotator: ArrayLike, models: int, *, exact: bool = False) -> LeftOut:
    """What each annotator moves. `annotator`: codes (n,), one for each battle.

    Refits without each who has more than SMALL_SHARE of some model's battles, and wherever a changed leader is near, so
    that none is claimed without a refit; for the others one Newton step from the fit of all, with the information of
    those that stay. exact=True refits always. Raises TooLittleData without battles, ImpossibleInput, NotConverged.
    """
    who = codes(annotator, "annotator")
    same_length(battles=battles.first, annotator=who)
    whole = _whole(battles, models)
    index, people = compressed(who)
    left = np.full((people, models), np.nan)
    for k, own in enumerate(_tables_by(battles, index, people, models)):
        left[k] = _without(whole, own, exact=exact)
    known = ~np.isnan(left[:, whole.leader])
    lead = np.array([whole.lead(strength) for strength in left])
    inside = np.where(whole.of_leader() == 0, left, -np.inf)
    best = np.where(known[:, None], inside, 0.0).argmax(axis=1)
    # who leads together with the leader, but for rounding, has not taken the lead
    best = np.where(lead >= -_LEVEL, whole.leader, best)
    return LeftOut(
        annotators=np.unique(who),
        votes=np.bincount(index, minlength=people),
        change=POINTS_PER_NAT * (left - whole.strength),
        leader=whole.leader,
        leaders=np.where(known, best, -1),
        lead=POINTS_PER_NAT * lead,
        notes=whole.notes,
    )


@dataclass(frozen=True, slots=True)
class _Whole:
    """The fit of all battles: their tables, the prior where it is needed, and the leader of the largest component.

    `pseudo` (m, m): pseudo-battles, all ties, of each pair that met.
    """

    wins: Floats
    games: Floats
    pseudo: Floats
    component: Ints
    strength: Floats
    leader: int
    notes: tuple[str, ...]

    def less(self, wins: Floats, games: Floats) -> tuple[Floats, Floats] | None:
        """Wins and games (m, m) without these, with the prior between who still met; None where links are lost."""
        wins, games = _less(self.wins, wins), _less(self.games, games)
        if not np.array_equal(components(games), self.component):
            return None
        pseudo = np.where(games > 0, self.pseudo, 0.0)
        return wins + pseudo / 2, games + pseudo

    def lead(self, strength: Floats) -> float:
        """How far the leader (m,) is ahead of the best that is linked to it, in nats; NaN where that is not known."""
        others = np.delete(np.where(self.of_leader() == 0, strength, -np.inf), self.leader)
        return float(strength[self.leader] - others.max(initial=-np.inf))

    def of_leader(self) -> Ints:
        """Component (m,) that keeps only what is linked to the leader: 0 or -1."""
        return np.where(self.component == self.component[self.leader], 0, -1)

    def state(self) -> _State:
        part = self.of_leader()
        strength = np.where(part == 0, self.strength, np.nan)
        return _State(strength, inverse_information(self.games + self.pseudo, strength, part))


@dataclass(frozen=True, slots=True)
class _State:
    """Strengths (m,), NaN for what is not linked to the leader, and the inverse of their information (m, m)."""

    strength: Floats
    inverse: Floats

    def leads(self, model: int) -> bool:
        """Whether no other is ahead of `model`; what differs by rounding alone is no lead."""
        return bool(np.nanmax(self.strength) <= self.strength[model] + _LEVEL)


def _whole(battles: Battles, models: int) -> _Whole:
    if len(battles) == 0:
        raise TooLittleData("no battles to rate")
    table = counts(battles, models)
    component = components(table.games)
    pseudo = pseudo_battles(table.wins, table.games, component)
    strength = solved(table.wins + pseudo / 2, table.games + pseudo, component)
    size = np.bincount(component[component >= 0], table.games.sum(axis=1)[component >= 0])
    leader = int(np.where(component == size.argmax(), strength, -np.inf).argmax())
    notes = (SEPARATED,) if pseudo.any() else ()
    return _Whole(table.wins, table.games, pseudo, component, strength, leader, notes)


def _tables_by(battles: Battles, index: Ints, people: int, models: int) -> Iterator[Counts]:
    order = np.argsort(index, kind="stable")
    cuts = np.searchsorted(index[order], np.arange(people + 1))
    for k in range(people):
        yield counts(battles.where(order[cuts[k] : cuts[k + 1]]), models)


def _without(whole: _Whole, own: Counts, *, exact: bool) -> Floats:
    """Strengths (m,) without the battles of `own`; NaN where the others alone have no finite answer."""
    rest = whole.less(own.wins, own.games)
    if rest is None or not np.array_equal(components(rest[0], strong=True), whole.component):
        return np.full(whole.strength.size, np.nan)
    wins, games = rest
    if exact or (own.games.sum(axis=1) > SMALL_SHARE * whole.games.sum(axis=1)).any():
        return solved(wins, games, whole.component)
    residual = np.where(games > 0, wins - games * chance(np.nan_to_num(whole.strength)), 0.0).sum(axis=1)
    stepped: Floats = whole.strength + inverse_information(games, whole.strength, whole.component) @ residual
    if whole.lead(stepped) < whole.lead(whole.strength) / 2:  # half the lead is more than a step is wrong by
        return solved(wins, games, whole.component)
    return stepped


def _less(table: Floats, own: Floats) -> Floats:
    """Table less what is taken away; what rounding leaves of nothing is nothing."""
    rest = table - own
    rest[rest < _LEVEL] = 0.0
    return rest


def overturn_leader(battles: Battles, models: int) -> Overturn:
    """How few votes have to go for another model to lead.

    Votes go in the order of what their removal takes off the lead, to first order, and the order is made anew after each refit.
    Models that are not linked to the leader cannot overtake it. Raises TooLittleData without two linked models.
    """
    whole = _whole(battles, models)
    rivals = np.flatnonzero(whole.component == whole.component[whole.leader])
    rivals = rivals[rivals != whole.leader]
    if rivals.size == 0:
        raise TooLittleData("a leader needs another model to lead before")
    ahead = whole.strength[whole.leader] - whole.strength[rivals]
    if ahead.min() < _LEVEL:
        rival = int(rivals[ahead.argmin()])
        return Overturn(whole.leader, rival, 0, len(battles), np.empty(0, dtype=np.int64), (*whole.notes, TIED))
    cells = _cells(battles, models)
    at, nothing = whole.state(), np.zeros_like(cells.times)
    need = [_removed(cells, at, (whole.leader, int(rival)), nothing)[1].sum() for rival in rivals]
    tried = [_overturned(cells, whole, int(rivals[k])) for k in np.argsort(need, kind="stable")[:MOST_RIVALS]]
    found = [taken for taken in tried if taken is not None]
    if not found:
        rows = np.empty(0, dtype=np.int64)
        return Overturn(whole.leader, None, None, len(battles), rows, (*whole.notes, NOT_FOUND))
    taken = min(found, key=lambda taken: int(taken.sum()))
    state = _after(cells, whole, taken)
    best = whole.leader if state is None else int(np.nanargmax(state.strength))
    return Overturn(whole.leader, best, int(taken.sum()), len(battles), cells.rows(taken), whole.notes)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Battles that are alike: `first`, `second`, `share`, `times` (c,), and the cell of each battle (n,)."""

    first: Ints
    second: Ints
    share: Floats
    times: Ints
    cell: Ints

    def rows(self, taken: Ints) -> Ints:
        """The earliest `taken` (c,) battles of each cell, as sorted rows."""
        order = np.argsort(self.cell, kind="stable")
        place = np.arange(order.size) - np.repeat(np.cumsum(self.times) - self.times, self.times)
        return np.sort(order[place < np.repeat(taken, self.times)])

    def tables(self, taken: Ints, models: int) -> tuple[Floats, Floats]:
        """Wins and games (m, m) of `taken` (c,) battles of each cell."""
        pair = self.first * models + self.second
        wins, games = (
            np.bincount(pair, weights, minlength=models * models).astype(np.float64).reshape(models, models)
            for weights in (taken * self.share, taken)
        )
        return wins + (games - wins).T, games + games.T


def _cells(battles: Battles, models: int) -> _Cells:
    share, code = np.unique(battles.share(), return_inverse=True)
    pairs = np.multiply(battles.first, models, dtype=np.int64) + battles.second
    key = pairs * share.size + code
    kinds, cell, times = np.unique(key, return_inverse=True, return_counts=True)
    pair = kinds // share.size
    return _Cells(pair // models, pair % models, share[kinds % share.size], times, cell)


def _removed(cells: _Cells, at: _State, ends: tuple[int, int], taken: Ints) -> tuple[Ints, Ints]:
    """Cells in the order of what one battle less takes off the lead of one over the other, and how many until it is gone.

    `at`: the fit without the battles `taken` (c,) that are gone already. All that help, where they do not suffice.
    """
    leader, rival = ends
    pull = at.inverse[leader] - at.inverse[rival]
    expected = chance(np.nan_to_num(at.strength))[cells.first, cells.second]
    drop = (pull[cells.first] - pull[cells.second]) * (cells.share - expected)
    order = np.argsort(-drop, kind="stable")
    order = order[(drop[order] > 0) & (taken[order] < cells.times[order])]
    there = cells.times[order] - taken[order]
    before = np.cumsum(there * drop[order]) - there * drop[order]
    missing = np.maximum(at.strength[leader] - at.strength[rival] - before, 0.0)
    return order, np.minimum(there, np.ceil(missing / drop[order])).astype(np.int64)


def _overturned(cells: _Cells, whole: _Whole, rival: int) -> Ints | None:
    """How many battles of each cell (c,) are taken away for the leader to lose the lead, aimed at `rival`; None not found."""
    gone: Ints = np.empty(0, dtype=np.int64)  # the cells of the battles taken away, one after the other
    state: _State | None = whole.state()
    for _ in range(_ROUNDS):
        if state is None:
            return None
        order, times = _removed(cells, state, (whole.leader, rival), np.bincount(gone, minlength=cells.times.size))
        if order.size == 0:
            return None
        times[0] = max(times[0], 1)  # a draw is no change yet
        gone = np.concatenate([gone, np.repeat(order, times)])
        state = _after(cells, whole, np.bincount(gone, minlength=cells.times.size))
        if state is not None and not state.leads(whole.leader):
            return _shortest(cells, whole, gone)
    return None


def _shortest(cells: _Cells, whole: _Whole, gone: Ints) -> Ints:
    """The shortest beginning of `gone` (by halving) that still takes the lead away, as battles of each cell (c,)."""
    low, high = 0, gone.size
    while high - low > 1:
        middle = (low + high) // 2
        state = _after(cells, whole, np.bincount(gone[:middle], minlength=cells.times.size))
        if state is not None and not state.leads(whole.leader):
            high = middle
        else:
            low = middle
    return np.bincount(gone[:high], minlength=cells.times.size)


def _after(cells: _Cells, whole: _Whole, taken: Ints) -> _State | None:
    """The fit, of all linked to the leader, without the battles `taken` (c,); None where there is none or links are lost."""
    rest = whole.less(*cells.tables(taken, whole.strength.size))
    if rest is None:
        return None
    wins, games = regular(*rest)
    part = whole.of_leader()
    try:
        strength = solved(wins, games, part)
    except NotConverged:
        return None
    return _State(strength, inverse_information(games, strength, part))
