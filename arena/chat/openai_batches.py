"""OpenAI's batch API: the requests go there as a file, and the results come back as files."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import openai

from arena.chat.base import ChatError, Completion, Endpoint
from arena.chat.batch import CANCELLED, DONE, EXPIRED, FAILED, WORKING, BatchRequest, BatchStatus
from arena.chat.batch_lines import LinedBatches, Lines, json_of, named
from arena.chat.dialect import count_in
from arena.chat.errors import failed, guarded, guarded_pieces, malformed, reason, redacted, status_error
from arena.chat.openai import DEFAULT_URL, dialect_of, sdk_client, sdk_options

STATES = {
    "validating": WORKING,
    "in_progress": WORKING,
    "finalizing": WORKING,
    "cancelling": WORKING,
    "completed": DONE,
    "failed": FAILED,
    "expired": EXPIRED,
    "cancelled": CANCELLED,
}
# Requests that were not asked: asking them again is another question.
UNASKED = frozenset({"batch_expired", "batch_cancelled", "batch_canceled"})
ERRORS_TOLD = 3


class OpenAIBatches(LinedBatches):
    """See `Batches`. A schema is asked for as a JSON schema: in a batch nothing can be learnt from a refusal."""

    most_requests = 50_000
    most_bytes = 200_000_000

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, dialect_of(endpoint))
        if urlsplit(endpoint.base_url or DEFAULT_URL).hostname == urlsplit(DEFAULT_URL).hostname:
            # Its newer models refuse that name, which a chat learns from the refusal.
            self._dialect.refused.add("max_tokens")
        self._client = sdk_client(endpoint)
        self._how = sdk_options(endpoint)

    async def submit(self, requests: Sequence[BatchRequest]) -> str:
        """See `Batches.submit`."""
        file = await guarded(self._patient, self._upload(b"\n".join(self._lines(requests))), openai.OpenAIError)
        file_id = named(file, "id", self.endpoint)
        try:
            batch = await self._post("/batches", self._wanted(file_id))
        except ChatError as error:
            # Where the answer was lost, the batch may be at work, and would be paid for twice.
            batch = await self._batch_of(file_id) if error.transient else None
            if batch is None:
                raise
        return named(batch, "id", self.endpoint)

    async def poll(self, batch_id: str) -> BatchStatus:
        """See `Batches.poll`."""
        return self._status(await self._batch(batch_id))

    async def results(self, batch_id: str) -> AsyncIterator[tuple[str, Completion | ChatError]]:
        """See `Batches.results`."""
        batch = await self._batch(batch_id)
        status = self._status(batch)
        if status.state in (WORKING, FAILED):
            words = status.error or f"the batch is {status.state}"
            raise failed(words, self.endpoint, transient=status.state == WORKING)
        lines = Lines(self.endpoint)
        for name in ("output_file_id", "error_file_id"):
            if isinstance(batch.get(name), str):
                async with aclosing(self._rows(batch[name], lines)) as rows:
                    async for row in rows:
                        yield row["custom_id"], self._result(row)
        lines.check()

    async def cancel(self, batch_id: str) -> None:
        """See `Batches.cancel`."""
        await self._post(f"/batches/{quote(batch_id, safe='')}/cancel", None)

    async def close(self) -> None:
        """See `Batches.close`."""
        await self._client.close()

    def _row(self, request: BatchRequest, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"custom_id": request.id, "method": "POST", "url": self._url, "body": body}

    @property
    def _url(self) -> str:
        """The path that the batch API knows the calls by, whatever the address of the endpoint."""
        return f"/v1{self._dialect.path}"

    def _wanted(self, file_id: str) -> dict[str, Any]:
        return {"input_file_id": file_id, "endpoint": self._url, "completion_window": "24h"}

    async def _upload(self, content: bytes) -> Any:
        response = await self._client.post(
            "/files",
            cast_to=httpx2.Response,
            body={"purpose": "batch"},
            files={"file": ("requests.jsonl", content, "application/jsonl")},
            options={**self._how, "headers": {**self._how.get("headers", {}), "Content-Type": "multipart/form-data"}},
        )
        return json.loads(response.content)

    async def _batch(self, batch_id: str) -> Mapping[str, Any]:
        batch = await self._get(f"/batches/{quote(batch_id, safe='')}")
        if not isinstance(batch, Mapping) or batch.get("status") not in STATES:
            raise malformed("the answer is no batch", self.endpoint)
        return batch

    async def _batch_of(self, file_id: str) -> Any:
        """The batch that was made of that file; None where there is none, or where one cannot look."""
        with suppress(ChatError):
            listed = await self._get("/batches?limit=100")
            batches = listed.get("data") if isinstance(listed, Mapping) else None
            for batch in batches if isinstance(batches, list) else ():
                if isinstance(batch, Mapping) and batch.get("input_file_id") == file_id:
                    return batch
        return None

    async def _get(self, path: str) -> Any:
        call = self._client.get(path, cast_to=httpx2.Response, options=self._how)
        return json_of(await guarded(self.endpoint, call, openai.OpenAIError), self.endpoint)

    async def _post(self, path: str, body: Any) -> Any:
        call = self._client.post(path, cast_to=httpx2.Response, body=body, options=self._how)
        return json_of(await guarded(self.endpoint, call, openai.OpenAIError), self.endpoint)

    def _status(self, batch: Mapping[str, Any]) -> BatchStatus:
        done, lost, total = (count_in(batch, "request_counts", name) or 0 for name in ("completed", "failed", "total"))
        error = redacted(_errors(batch), self.endpoint.key)
        return BatchStatus(
            STATES[str(batch["status"])], done, lost, total, error, stops=batch["status"] == "cancelling"
        )

    def _rows(self, file_id: str, lines: Lines) -> AsyncGenerator[Mapping[str, Any], None]:
        return guarded_pieces(self._patient, self._read(file_id, lines), openai.OpenAIError)

    async def _read(self, file_id: str, lines: Lines) -> AsyncGenerator[Mapping[str, Any], None]:
        opened = await self._client.get(
            f"/files/{quote(file_id, safe='')}/content",
            cast_to=object,
            options=self._how,
            stream=True,
            stream_cls=openai.AsyncStream[Any],
        )
        try:
            async for row in lines.rows(opened.response.aiter_bytes()):
                yield row
        finally:
            await opened.close()

    def _result(self, row: Mapping[str, Any]) -> Completion | ChatError:
        error = row.get("error")
        if error:
            code = error.get("code") if isinstance(error, Mapping) else None
            words = f"not answered within its batch: {reason(row)}"
            return failed(words, self.endpoint, transient=code in UNASKED)
        status, body = count_in(row, "response", "status_code"), (row.get("response") or {}).get("body")
        if status is None:
            return malformed("the result has no status", self.endpoint)
        return self._completed(body) if status == 200 else status_error(status, body, self.endpoint)


def _errors(batch: Mapping[str, Any]) -> str:
    """Why a batch was not taken, in the endpoint's words: the first errors, with the lines they are in."""
    errors = batch.get("errors")
    listed = errors.get("data") if isinstance(errors, Mapping) else None
    told = []
    for error in (listed if isinstance(listed, list) else [])[:ERRORS_TOLD]:
        line = count_in(error, "line")
        told.append(reason(error) if line is None else f"line {line}: {reason(error)}")
    return "; ".join(told)
