"""What a batch of calls is: the requests, how far it has come, and what the batches of an endpoint can do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from arena.chat.base import ChatError, Completion, Message

WORKING, DONE, FAILED, EXPIRED, CANCELLED = "working", "done", "failed", "expired", "cancelled"


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One call of a batch, see `Chat.complete`; `id` is 1 to 64 letters, digits, `-` and `_`, and comes back with the result."""

    id: str
    messages: Sequence[Message]
    schema: Mapping[str, Any] | None = None
    logprobs: int | None = None


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch has come.

    `state` is "working", "done", "failed" (none of it was asked), "expired" or "cancelled" (some of it may have been
    answered, and is among the results). A batch that `stops` is at work still, and was told to stop. `done` requests have been answered and `failed` ones will not be, of `total`; some
    endpoints count only at the end. `error` says why a batch failed.
    """

    state: str
    done: int = 0
    failed: int = 0
    total: int = 0
    error: str = ""
    stops: bool = False


class Batches(Protocol):
    """The batches of one endpoint, used within one event loop; `async with` closes it.

    `most_requests` and `most_bytes` are what one batch may hold.
    """

    @property
    def most_requests(self) -> int: ...

    @property
    def most_bytes(self) -> int: ...

    def split(self, requests: Sequence[BatchRequest]) -> Iterator[Sequence[BatchRequest]]:
        """The requests in their order, in as few batches as the endpoint's limits allow."""
        ...

    async def submit(self, requests: Sequence[BatchRequest]) -> str:
        """The id of the new batch. Never splits: raises ChatError (permanent) for more than one batch may hold, see `split`."""
        ...

    async def poll(self, batch_id: str) -> BatchStatus:
        """How far the batch has come. Raises ChatError."""
        ...

    def results(self, batch_id: str) -> AsyncIterator[tuple[str, Completion | ChatError]]:
        """The id of each request with its completion or with what went wrong, in any order.

        Requests that expired or were cancelled are transient errors. Raises ChatError while the batch is at work
        (transient), and at the very end (transient) where lines could not be read: what was given before stands, and
        asking for the results once more gives them all.
        """
        ...

    async def cancel(self, batch_id: str) -> None:
        """Stop the batch; what has been answered by then is paid for, and among the results. Raises ChatError."""
        ...

    async def close(self) -> None:
        """Give back the connections; the batches go on."""
        ...


class OpenBatches(Batches, Protocol):
    """What `async with` closes."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...
