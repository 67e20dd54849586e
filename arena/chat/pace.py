"""How fast an endpoint may be asked by all who ask it together: limits, and the tally that keeps all workers to them.

A tally is a few numbers that all workers share, wherever it is kept; `granted` is the rule that reads and changes it.
Starts are handed out at an even pace (a token bucket that holds one call: GCRA, ITU-T I.371), and not a minute's worth at
once: endpoints keep to shorter windows than the minute that they tell. Places (calls under way) are lent to each worker
for a while and split evenly between those who want some, so that what a killed worker held comes back by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

MINUTE = 60.06
"""Seconds. A thousandth longer, or a call that was held up on its way would make the minute after it too full."""
LEASE = 15.0
"""Seconds for which places are lent; who is alive asks again long before."""
TURN = 5.0
"""Seconds after which another worker is the one that is favoured where places cannot be split evenly."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an endpoint takes from all workers together; None where it does not matter.

    `rpm` calls and `tpm` tokens a minute, `concurrency` calls at a time.
    """

    rpm: float | None = None
    tpm: float | None = None
    concurrency: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Limits:
        """The limits that a model's row names. Raises ValueError, which names the field, for what is none."""
        for name in row:
            if name not in cls.__slots__:
                raise ValueError(f"limits: there is no limit {name!r}; there are {', '.join(cls.__slots__)}")
        for name, value in row.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value > 0):
                raise ValueError(f"limits: {name} must be a number above 0, not {value!r}")
        concurrency = row.get("concurrency")
        return cls(row.get("rpm"), row.get("tpm"), None if concurrency is None else max(1, int(concurrency)))

    @property
    def is_none(self) -> bool:
        """Whether nothing is limited."""
        return self == Limits()

    @property
    def seconds_per_call(self) -> float:
        """From one start to the next."""
        return MINUTE / self.rpm if self.rpm else 0.0

    @property
    def seconds_per_token(self) -> float:
        """For each token of a call, until the next may start."""
        return MINUTE / self.tpm if self.tpm else 0.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker asks the tally: `tokens` of each call that is to start next, in their order.

    `worker` names it among the others; `held` are its calls under way, `wanted` those and the ones that wait. `owed` are
    tokens that calls took beyond what was expected of them (below 0: fewer). `shut` are seconds that the endpoint itself
    has asked to be left alone, 0 where it has not.
    """

    worker: str
    held: int = 0
    wanted: int = 0
    tokens: tuple[float, ...] = ()
    owed: float = 0.0
    shut: float = 0.0


@dataclass(frozen=True, slots=True)
class Leave:
    """What the tally grants: calls may start after so many seconds each, of those wished for the first so many.

    `places` are how many calls the worker may have under way (None: as many as it likes); when that are fewer than it has,
    it starts none until some have ended. `shut` are seconds until the endpoint may be asked again.
    """

    waits: tuple[float, ...] = ()
    places: int | None = None
    shut: float = 0.0


class Pace(Protocol):
    """The tally of one endpoint, and the limits that it keeps all workers to."""

    limits: Limits

    def ask(self, wish: Wish) -> Leave:
        """What is granted; whole, and before anybody else is. It may block for as long as a database does.

        Raises ChatError (transient) where the tally cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Places lent to one worker: those it has, those it would like, and until when."""

    held: int
    wanted: int
    until: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What all workers share; times are seconds of whichever clock is asked, before which nothing starts."""

    calls_at: float = 0.0
    tokens_at: float = 0.0
    shut_until: float = 0.0
    places: Mapping[str, Place] = field(default_factory=dict)


def granted(tally: Tally, wish: Wish, limits: Limits, now: float) -> tuple[Tally, Leave]:
    """The tally after this wish, and what is granted.

    In any minute no more than `rpm` calls are to start, and while somebody waits no fewer; of tokens, no more than `tpm` but for
    the last call. The places of all workers are together never more than `concurrency`.
    """
    shut = max(tally.shut_until, now + wish.shut)
    places = {name: place for name, place in tally.places.items() if place.until > now and name != wish.worker}
    mine, count = None, len(wish.tokens)
    if limits.concurrency is not None:
        mine = _places(limits.concurrency, wish, places, now)
        count = min(count, max(0, mine - wish.held))
        if wish.wanted or wish.held:
            places[wish.worker] = Place(max(mine, wish.held), wish.wanted, now + LEASE)
    calls_at, tokens_at = tally.calls_at, tally.tokens_at + wish.owed * limits.seconds_per_token
    waits = []
    for tokens in wish.tokens[:count]:
        start = max(now, calls_at, tokens_at, shut)
        calls_at, tokens_at = start + limits.seconds_per_call, start + tokens * limits.seconds_per_token
        waits.append(start - now)
    after = replace(tally, calls_at=calls_at, tokens_at=tokens_at, shut_until=shut, places=places)
    return after, Leave(tuple(waits), mine, max(0.0, shut - now))


def _places(limit: int, wish: Wish, others: Mapping[str, Place], now: float) -> int:
    """How many of the places are this worker's: an even share, and never what others still have."""
    wanted = {name: place.wanted for name, place in others.items()} | {wish.worker: wish.wanted}
    free = limit - sum(place.held for place in others.values())
    return max(0, min(_share(limit, wanted, now)[wish.worker], free))


def _share(limit: int, wanted: Mapping[str, int], now: float) -> dict[str, int]:
    """The limit split evenly: who wants less than that gets what it wants, and what cannot be split goes round by turns."""
    names = sorted(wanted)
    first = int(now / TURN) % len(names)
    turn = {name: (at - first) % len(names) for at, name in enumerate(names)}
    shares, left = {}, limit
    for at, name in enumerate(sorted(names, key=lambda name: (wanted[name], turn[name]))):
        shares[name] = min(wanted[name], left // (len(names) - at))
        left -= shares[name]
    return shares
