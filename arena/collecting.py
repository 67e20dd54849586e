"""Answers: each question asked of each model, turn by turn, kept as they arrive; again asks only what is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import transaction

from arena.background import arrivals
from arena.chat import ATTEMPTS, Breaker, ChatError, many, open_chat, patiently
from arena.chat.base import Chat, Completion, Endpoint, Message
from arena.keeping import NotKept, keep
from arena.keys import key_of
from arena.models import UNFINISHED, UNPUBLISHED, Answer, LanguageModel, Provenance, Question, storable

TOLD = ("finish", "tokens_in", "tokens_out", "first_token_s", "seconds", "attempts")  # of each turn that is kept alone


@dataclass(frozen=True)
class Said:
    """How far a conversation has come: what the model said turn by turn, and the error that ended it, if one did."""

    question: Question
    completions: tuple[Completion, ...] = ()
    error: str = ""
    attempts: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be asked just now."""
        return bool(self.error) or len(self.completions) >= len(self.question.turns)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was said, and the next turn of the question where there is one."""
        said = [Message("system", self.question.system)] if self.question.system else []
        for place, turn in enumerate(self.question.turns[: len(self.completions) + 1]):
            said.append(Message("user", turn))
            said += [Message("assistant", one.text) for one in self.completions[place : place + 1]]
        return tuple(said)


async def ask(chat: Chat, said: Said, *, attempts: int, breaker: Breaker) -> Said | None:
    """The conversation with its next turn answered, after the model's own answers to those before.

    None when the endpoint refuses whoever asks: that says nothing of this question.
    """
    if said.is_over:
        return said
    messages = said.messages
    try:
        completion = await patiently(lambda: chat.complete(messages, stream=True), attempts=attempts)
    except ChatError as error:
        final = breaker.failed(error)
        return None if final else replace(said, error=str(error), attempts=said.attempts + error.attempts)
    breaker.succeeded()
    more = said.attempts + completion.attempts
    if not completion.text.strip():
        place = len(said.completions) + 1
        return replace(said, error=f"turn {place}: the answer is empty ({completion.finish})", attempts=more)
    return replace(said, completions=(*said.completions, completion), attempts=more)


async def ask_all(
    endpoint: Endpoint,
    questions: Iterable[Question],
    *,
    concurrency: int,
    attempts: int,
    begun: Mapping[int, Sequence[dict[str, Any]]] | None = None,
) -> AsyncIterator[Said]:
    """What the model says to each question, turn by turn in the order it comes, over one shared client.

    `begun` is what was kept of earlier goes, by the question's id: those turns are not asked again. Raises ChatError, after what
    was under way, when the endpoint no longer answers; nothing more is asked then.
    """
    chat, breaker = open_chat(endpoint), Breaker()
    new, going = iter(questions), deque[Said]()
    begun = begun or {}

    async def turn(said: Said) -> Said | None:
        told = await ask(chat, said, attempts=attempts, breaker=breaker)
        if told is not None and not told.is_over:
            going.append(told)
        return told

    class Turns:
        """The next call: of a conversation that has begun before one that has not."""

        def __iter__(self) -> Iterator[Callable[[], Awaitable[Said | None]]]:
            return self

        def __next__(self) -> Callable[[], Awaitable[Said | None]]:
            if breaker.reason:
                raise StopIteration
            return partial(
                turn, going.popleft() if going else taken_up(question := next(new), begun.get(question.pk, ()))
            )

    try:
        async with aclosing(many(Turns(), concurrency=concurrency)) as arriving:
            async for said in arriving:
                if said is not None:
                    yield said
    finally:
        await chat.close()
    if breaker.error:
        raise breaker.error


def taken_up(question: Question, kept: Sequence[dict[str, Any]]) -> Said:
    """The conversation as far as it was kept (see `_kept`), where it still is the one that the question asks for."""
    said = Said(question)
    begins = len(said.messages) - 1
    if [one["text"] for one in kept[:begins]] != [message.content for message in said.messages[:begins]]:
        return said
    for turn, asked, reply in zip(question.turns, kept[begins::2], kept[begins + 1 :: 2], strict=False):
        if asked["text"] != turn:
            break
        told = {name: reply[name] for name in TOLD}
        completion = Completion(reply["text"], reasoning=reply["reasoning"], **told)
        said = replace(said, completions=(*said.completions, completion), attempts=said.attempts + completion.attempts)
    return said


def _kept(said: Said) -> list[dict[str, Any]]:
    """What was said so far as an answer keeps it that is not whole: messages by role and text, the model's with what they took."""
    told: list[dict[str, Any]] = []
    completions = iter(said.completions)
    for message in said.messages[: 2 * len(said.completions) + bool(said.question.system)]:
        told.append({"role": message.role, "text": storable(message.content)})
        if message.role == "assistant":
            completion = next(completions)
            told[-1] |= {"reasoning": storable(completion.reasoning)} | {
                name: getattr(completion, name) for name in TOLD
            }
    return told


def turns_in(kept: Iterable[Mapping[str, Any]]) -> int:
    """How many turns the model has said of what was kept."""
    return sum(message["role"] == "assistant" for message in kept)


def answer_row(model: LanguageModel, said: Said, *, sample: int, provenance: str) -> Answer:
    """The row (not saved) for what was said; one with an error and no text where that is not all, its `trace` holding what there is."""
    completions = said.completions
    row = Answer(
        question=said.question,
        model=model,
        sample=sample,
        error=storable(said.error) or ("" if said.is_over else UNFINISHED),
        attempts=said.attempts,
        provenance=provenance,
    )
    if completions:
        row.tokens_in = _sum(completion.tokens_in for completion in completions)
        row.tokens_out = _sum(completion.tokens_out for completion in completions)
    if row.error:
        row.trace = _kept(said) if completions else []
        return row
    row.turns = [storable(completion.text) for completion in completions]
    if any(completion.reasoning for completion in completions):
        row.reasoning = [storable(completion.reasoning) for completion in completions]
    row.finish = completions[-1].finish[:40]
    row.first_token_s = completions[0].first_token_s
    row.seconds = sum(completion.seconds for completion in completions)
    return row.rendered()


def _sum(counts) -> int | None:
    counts = list(counts)
    return None if any(count is None for count in counts) else sum(counts)


def begun(model: LanguageModel, *, sample: int = 0) -> dict[int, Answer]:
    """Answers of this model that are not whole and hold turns that it has said, by the question's id. One query."""
    rows = Answer.objects.begun().filter(model=model, sample=sample).defer("html", "reasoning")
    return {row.question_id: row for row in rows}


def collect(
    model: LanguageModel,
    questions: Iterable[Question],
    *,
    concurrency: int = 8,
    attempts: int = ATTEMPTS,
    sample: int = 0,
    provenance: str = Provenance.REAL,
) -> Iterator[list[Answer]]:
    """Ask `model` these questions and save every turn of its answers as it arrives; yields the answers that are whole or failed, a
    list at a time.

    `questions` may be an iterator, which is then read one by one as there is room for a call, on another thread.

    A failed call is kept as a row with its error, and takes the place of an earlier failure; turns that were answered before are not
    asked again. Raises NoKey before the first call when the key is missing, ChatError (after what was under way) when the endpoint
    refuses whoever asks or no longer answers, NotKept when the database will not take an answer.
    """
    if not model.provider:
        return
    endpoint = model.endpoint(key_of(model))
    if not isinstance(questions, Iterator):
        questions = list(questions)  # a query would not run on the loop's thread
    kept = {question: row.trace for question, row in begun(model, sample=sample).items()}
    options = {"concurrency": concurrency, "attempts": attempts, "begun": kept}
    for batch in arrivals(lambda: ask_all(endpoint, questions, **options)):
        rows = [answer_row(model, said, sample=sample, provenance=provenance) for said in _latest(batch)]
        _keep(rows, model, sample=sample)
        yield [row for row in rows if row.error != UNFINISHED]


def _latest(batch: Iterable[Said]) -> list[Said]:
    """The last that was said to each question."""
    latest: dict[int, Said] = {}
    for said in batch:
        known = latest.get(said.question.pk)
        if known is None or not known.is_over:
            latest[said.question.pk] = said
    return list(latest.values())


def _keep(rows: list[Answer], model: LanguageModel, *, sample: int) -> None:
    """Save these answers of one model, in place of those that failed or are not whole.

    Where the database refuses one, what was there in its place stays, and the others are saved. Raises NotKept then.
    """
    try:
        _replace(rows, model, sample=sample)
    except NotKept:
        for row in rows:
            row.pk, row._state.adding = None, True  # of the transaction that was taken back
            with suppress(NotKept):
                _replace([row], model, sample=sample)
        raise


@transaction.atomic
def _replace(rows: list[Answer], model: LanguageModel, *, sample: int) -> None:
    """Put these answers in place of those that failed or are not whole: all of them, or none. Raises NotKept."""
    asked = [row.question_id for row in rows]
    there = Answer.objects.filter(model=model, sample=sample, question__in=asked)
    there.exclude(error__in=("", UNPUBLISHED)).delete()
    keep(rows, key=lambda row: row.question_id, known=lambda: set(there.values_list("question", flat=True)))
