"""A language model as judge: render, ask, parse, with one repair turn when the reply cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TypeVar

from arena.chat import Breaker, Chat, ChatError, Completion, Endpoint, Message, many, open_chat, patiently
from judging import prompts
from judging.judges.base import API_ERROR, PARSE_ERROR, EndpointDown, Exhibit, RubricText, Verdict
from judging.replies import Reading, parse_pair, parse_score, parse_scores

_T = TypeVar("_T")

ASKED_AGAIN = "\n\n=== asked again ===\n\n"
"""Stands in `Verdict.reply` between a first reply that could not be read and the one to the repair turn."""


@dataclass(frozen=True)
class LLMJudge:
    """An engine over a chat endpoint; see `judge`.

    `open_chat` opens the connection, once for each call of `judge`, within its event loop. `attempts` bounds the calls
    for one turn; `language` is the prompt's (None: the exhibit's); `schema_bound` asks for JSON bound
    to a schema in place of brackets.
    """

    open_chat: Callable[[], Chat]
    rubric: RubricText
    concurrency: int = 8
    schema_bound: bool = False
    language: str | None = None
    attempts: int = 5

    @classmethod
    def over(
        cls,
        endpoint: Endpoint,
        rubric: RubricText,
        *,
        concurrency: int = 8,
        schema_bound: bool = False,
        language: str | None = None,
        attempts: int = 5,
    ) -> LLMJudge:
        """The judge that this endpoint is."""
        return cls(partial(open_chat, endpoint), rubric, concurrency, schema_bound, language, attempts)

    async def judge(self, exhibits: Sequence[Exhibit]) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        """Each exhibit with its verdict as it arrives, `concurrency` under way at a time.

        A call that fails for good is a verdict with status "api_error". Raises EndpointDown, after the
        verdicts under way, when the endpoint would fail them all; nothing more is asked then.
        """
        chat = self._open()
        breaker = Breaker()
        try:
            calls = self._calls(chat, exhibits, breaker)
            async with aclosing(many(calls, concurrency=self.concurrency)) as verdicts:
                async for exhibit, verdict in verdicts:
                    yield exhibit, verdict
        finally:
            await chat.close()
        if breaker.reason:
            raise EndpointDown(breaker.reason)

    def _open(self) -> Chat:
        try:
            return self.open_chat()
        except ChatError as error:
            raise EndpointDown(str(error)) from error

    def _calls(
        self, chat: Chat, exhibits: Sequence[Exhibit], breaker: Breaker
    ) -> Iterator[Callable[[], Awaitable[tuple[Exhibit, Verdict]]]]:
        """The calls there are to make, read one by one: they end where the endpoint is down."""
        for exhibit in exhibits:
            if breaker.reason:
                return
            yield partial(self._judge_one, chat, exhibit, breaker)

    async def _judge_one(self, chat: Chat, exhibit: Exhibit, breaker: Breaker) -> tuple[Exhibit, Verdict]:
        form = partial(self._form, exhibit)
        messages = form(prompts.render)
        turns = [await self._ask(chat, exhibit, messages, breaker)]
        if turns[0].reading.status == PARSE_ERROR:
            again = _asking_again(messages, turns[0].text, form(prompts.repair))
            turns.append(await self._ask(chat, exhibit, again, breaker))
        return exhibit, _verdict(turns, messages)

    def _form(self, exhibit: Exhibit, write: Callable[..., _T]) -> _T:
        return write(exhibit, self.rubric, language=self.language, schema_bound=self.schema_bound)

    async def _ask(self, chat: Chat, exhibit: Exhibit, messages: Sequence[Message], breaker: Breaker) -> _Turn:
        """What one turn brought; a call that failed for good is a reading with status "api_error"."""
        schema = prompts.verdict_schema(exhibit, self.rubric) if self.schema_bound else None
        started = perf_counter()
        try:
            completion = await patiently(lambda: chat.complete(messages, schema=schema), attempts=self.attempts)
        except ChatError as error:
            breaker.failed(error)
            failure = Reading(status=API_ERROR, error=str(error) or type(error).__name__)
            return _Turn(failure, None, perf_counter() - started, error.attempts)
        breaker.succeeded()
        return _Turn(self._read(exhibit, completion), completion, completion.seconds, completion.attempts)

    def _read(self, exhibit: Exhibit, completion: Completion) -> Reading:
        text, finish = completion.text, completion.finish
        if exhibit.is_pair:
            return parse_pair(text, finish=finish)
        if self.rubric.dimensions:
            return parse_scores(text, self.rubric, finish=finish)
        return parse_score(text, self.rubric.lowest, self.rubric.highest, finish=finish)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What asking once brought: `completion` is None when no call succeeded; `asked` counts the calls."""

    reading: Reading
    completion: Completion | None
    seconds: float
    asked: int

    @property
    def text(self) -> str:
        return self.completion.text if self.completion else ""


def _asking_again(messages: Sequence[Message], reply: str, repair: Message) -> list[Message]:
    """The conversation with the repair turn; endpoints refuse an empty turn, so that one is left out."""
    if reply.strip():
        return [*messages, Message("assistant", reply.strip()), repair]
    *before, question = messages
    return [*before, Message(question.role, f"{question.content}\n\n{repair.content}")]


def _verdict(turns: Sequence[_Turn], messages: Sequence[Message]) -> Verdict:
    """The verdict of the last turn, with what all turns took."""
    reading = _reading(turns)
    completions = [turn.completion for turn in turns if turn.completion]
    return Verdict(
        status=reading.status,
        value=reading.value,
        both_bad=reading.both_bad,
        scores=reading.scores,
        error=reading.error,
        reply=ASKED_AGAIN.join(completion.text for completion in completions),
        reasoning=ASKED_AGAIN.join(completion.reasoning for completion in completions if completion.reasoning),
        prompt=tuple({"role": message.role, "content": message.content} for message in messages),
        tokens_in=_total(completion.tokens_in for completion in completions),
        tokens_out=_total(completion.tokens_out for completion in completions),
        seconds=sum(turn.seconds for turn in turns),
        asked=sum(turn.asked for turn in turns),
    )


def _reading(turns: Sequence[_Turn]) -> Reading:
    """What the last turn said; where its call failed, the first reply's failure stands, and tells of it."""
    first, last = turns[0].reading, turns[-1].reading
    if len(turns) > 1 and last.status == API_ERROR:
        return replace(first, error=f"{first.error}; asking again failed: {last.error}")
    return last


def _total(counts: Iterable[int | None]) -> int | None:
    """The sum of the tokens that were counted; None where none were."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
