"""What the batch APIs have in common: a line of JSON for each request, and one for each result."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import httpx2

from arena.chat.base import ChatError, Closing, Completion, Endpoint
from arena.chat.batch import BatchRequest
from arena.chat.dialect import Ask, Dialect
from arena.chat.draft import Draft
from arena.chat.errors import failed, malformed

# Seconds for carrying a file of many requests or results there or back, whatever one call may take.
TRANSFER_SECONDS = 3600.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class LinedBatches(Closing):
    """Batches whose requests are lines of JSON; `most_requests` and `most_bytes` are the API's own limits."""

    most_requests: ClassVar[int]
    most_bytes: ClassVar[int]

    def __init__(self, endpoint: Endpoint, dialect: Dialect) -> None:
        self.endpoint = endpoint
        self._dialect = dialect
        self._patient = replace(endpoint, timeout=max(endpoint.timeout, TRANSFER_SECONDS))

    @abstractmethod
    def _row(self, request: BatchRequest, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The line of a request with that body."""

    def split(self, requests: Sequence[BatchRequest]) -> Iterator[Sequence[BatchRequest]]:
        """See `Batches.split`."""
        part: list[BatchRequest] = []
        size = 0
        for request in requests:
            length = len(self._line(request)) + 1
            if part and (len(part) >= self.most_requests or size + length > self.most_bytes):
                yield part
                part, size = [], 0
            part.append(request)
            size += length
        if part:
            yield part

    def _lines(self, requests: Sequence[BatchRequest]) -> list[bytes]:
        """Each request as a line. Raises ChatError for ids that cannot be, and for more than a batch may hold."""
        _check_ids(requests)
        if len(requests) > self.most_requests:
            raise _too_much(f"{len(requests)} requests", f"{self.most_requests}")
        lines = [self._line(request) for request in requests]
        size = sum(len(line) + 1 for line in lines)
        if size > self.most_bytes:
            raise _too_much(f"{size} bytes of requests", f"{self.most_bytes}")
        return lines

    def _line(self, request: BatchRequest) -> bytes:
        body = self._dialect.body(Ask(request.messages, request.schema, request.logprobs))
        row = json.dumps(self._row(request, body), ensure_ascii=False, separators=(",", ":"))
        # Half characters, which no endpoint reads, become question marks.
        return row.encode("utf-8", "replace")

    def _completed(self, body: Any) -> Completion | ChatError:
        """The completion that a request was answered with, or what is wrong with that answer."""
        draft = Draft()
        try:
            self._dialect.read_whole(body, draft)
        except ChatError as error:
            return error
        return replace(self._dialect.completion(Ask(()), draft, streamed=False), seconds=0.0)


def _too_much(what: str, most: str) -> ChatError:
    return ChatError(f"{what} are more than the {most} that one batch may hold", transient=False)


def _check_ids(requests: Sequence[BatchRequest]) -> None:
    if not requests:
        raise ChatError("a batch needs at least one request", transient=False)
    seen: set[str] = set()
    for request in requests:
        if not _ID.fullmatch(request.id):
            words = f"the id {request.id[:80]!r} must be 1 to 64 letters, digits, '-' and '_'"
            raise ChatError(words, transient=False)
        if request.id in seen:
            raise ChatError(f"the id {request.id!r} stands for two requests of one batch", transient=False)
        seen.add(request.id)


@dataclass
class Lines:
    """Reads JSON Lines as they arrive; `broken` counts those that are not one."""

    endpoint: Endpoint
    broken: int = 0

    async def rows(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[Mapping[str, Any]]:
        """Each line's mapping. Only a line feed ends a line: texts have other line separators within them."""
        rest = b""
        async for chunk in chunks:
            *whole, rest = (rest + chunk).split(b"\n")
            for row in self._read(whole):
                yield row
        for row in self._read([rest]):
            yield row

    def check(self) -> None:
        """Raises ChatError (transient) where lines were broken."""
        if self.broken:
            words = f"{self.broken} of the lines of the batch's results cannot be read"
            raise failed(words, self.endpoint, transient=True)

    def _read(self, lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        for line in filter(bytes.strip, lines):
            row: Any = None
            with suppress(ValueError):
                row = json.loads(line)
            if isinstance(row, Mapping) and isinstance(row.get("custom_id"), str):
                yield row
            else:
                self.broken += 1


def json_of(response: httpx2.Response, endpoint: Endpoint) -> Any:
    """The JSON of an answer. Raises ChatError (transient) where it is none."""
    try:
        return json.loads(response.content)
    except ValueError:
        raise malformed("the reply is not JSON", endpoint) from None


def named(value: Any, name: str, endpoint: Endpoint) -> str:
    """The text under that name in an answer, as the id of a batch. Raises ChatError where there is none."""
    text = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(text, str) or not text:
        raise failed(f"the answer has no {name}", endpoint, transient=True)
    return text
