"""Anthropic's batch API: the requests go there in one call, and the results come from an address it tells."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote, urlsplit

import anthropic
import httpx2

from arena.chat.anthropic import sdk_client
from arena.chat.base import ChatError, Completion, Endpoint
from arena.chat.batch import CANCELLED, DONE, EXPIRED, WORKING, BatchRequest, BatchStatus
from arena.chat.batch_lines import LinedBatches, Lines, json_of, named
from arena.chat.dialect import count_in
from arena.chat.errors import body_error, failed, guarded, guarded_pieces, malformed
from arena.chat.messages import AnthropicMessages

PATH = "/v1/messages/batches"
UNANSWERED = ("errored", "expired", "canceled")


class AnthropicBatches(LinedBatches):
    """See `Batches`. Requests are counted only when the batch has ended.

    A batch's requests are answered in any order, so that its system text is not always found in the cache. A transient
    error of `submit` may leave a batch behind that is at work and paid for: the API tells of none what was asked in it.
    """

    most_requests = 100_000
    most_bytes = 256_000_000

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, AnthropicMessages(endpoint))
        self._client = sdk_client(endpoint)

    async def submit(self, requests: Sequence[BatchRequest]) -> str:
        """See `Batches.submit`."""
        content = b'{"requests":[' + b",".join(self._lines(requests)) + b"]}"
        call = self._client.post(
            PATH, cast_to=httpx2.Response, content=content, options={"headers": {"Content-Type": "application/json"}}
        )
        response = await guarded(self._patient, call, anthropic.AnthropicError)
        return named(json_of(response, self.endpoint), "id", self.endpoint)

    async def poll(self, batch_id: str) -> BatchStatus:
        """See `Batches.poll`."""
        return _status(await self._batch(batch_id))

    async def results(self, batch_id: str) -> AsyncIterator[tuple[str, Completion | ChatError]]:
        """See `Batches.results`."""
        batch = await self._batch(batch_id)
        if _status(batch).state == WORKING:
            raise failed("the batch is working", self.endpoint, transient=True)
        lines = Lines(self.endpoint)
        pieces = self._read(self._address(batch), lines)
        async with aclosing(guarded_pieces(self._patient, pieces, anthropic.AnthropicError)) as rows:
            async for row in rows:
                yield row["custom_id"], self._result(row.get("result"))
        lines.check()

    async def cancel(self, batch_id: str) -> None:
        """See `Batches.cancel`."""
        call = self._client.post(f"{PATH}/{quote(batch_id, safe='')}/cancel", cast_to=httpx2.Response)
        await guarded(self.endpoint, call, anthropic.AnthropicError)

    async def close(self) -> None:
        """See `Batches.close`."""
        await self._client.close()

    def _row(self, request: BatchRequest, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"custom_id": request.id, "params": body}

    async def _batch(self, batch_id: str) -> Mapping[str, Any]:
        call = self._client.get(f"{PATH}/{quote(batch_id, safe='')}", cast_to=httpx2.Response)
        batch = json_of(await guarded(self.endpoint, call, anthropic.AnthropicError), self.endpoint)
        if not isinstance(batch, Mapping) or not isinstance(batch.get("processing_status"), str):
            raise malformed("the answer is no batch", self.endpoint)
        return batch

    def _address(self, batch: Mapping[str, Any]) -> str:
        """Where the results are. Raises ChatError (permanent) for another host than the endpoint's: the key goes along."""
        told = named(batch, "results_url", self.endpoint)
        ours, theirs = urlsplit(str(self._client.base_url)), urlsplit(told)
        if theirs.netloc and (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
            where = theirs.netloc.rpartition("@")[2]
            raise failed(f"the results are at another address, {where}: not asked", self.endpoint, transient=False)
        return told

    async def _read(self, address: str, lines: Lines) -> AsyncGenerator[Mapping[str, Any], None]:
        opened = await self._client.get(
            address,
            cast_to=object,
            options={"headers": {"Accept": "application/binary"}},
            stream=True,
            stream_cls=anthropic.AsyncStream[Any],
        )
        try:
            async for row in lines.rows(opened.response.aiter_bytes()):
                yield row
        finally:
            await opened.close()

    def _result(self, result: Any) -> Completion | ChatError:
        kind = result.get("type") if isinstance(result, Mapping) else None
        if kind == "succeeded":
            return self._completed(result.get("message"))
        if kind == "errored":
            return body_error(result.get("error"), self.endpoint)
        if kind in UNANSWERED:
            return failed(f"not answered within its batch: {kind}", self.endpoint, transient=True)
        return malformed("the result has no known type", self.endpoint)


def _status(batch: Mapping[str, Any]) -> BatchStatus:
    counts = {name: count_in(batch, "request_counts", name) or 0 for name in ("processing", "succeeded", *UNANSWERED)}
    lost = sum(counts[name] for name in UNANSWERED)
    state = WORKING
    if batch["processing_status"] == "ended":
        state = EXPIRED if counts["expired"] else CANCELLED if counts["canceled"] else DONE
    stops = batch["processing_status"] == "canceling"
    return BatchStatus(state, counts["succeeded"], lost, sum(counts.values()), stops=stops)
