"""Answers: each question asked of each model, turn by turn, kept as they arrive; again asks only what is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from arena.background import arrivals
from arena.chat import ATTEMPTS, Breaker, ChatError, many, open_chat, patiently
from arena.chat.base import Chat, Completion, Endpoint, Message
from arena.keeping import keep
from arena.keys import key_of
from arena.models import Answer, LanguageModel, Provenance, Question, storable


@dataclass(frozen=True)
class Said:
    """What a model said to one question: its completions turn by turn, or the error that ended it."""

    question: Question
    completions: tuple[Completion, ...] = ()
    error: str = ""
    attempts: int = 0


async def ask(chat: Chat, question: Question, *, attempts: int, breaker: Breaker) -> Said | None:
    """All turns of one question, each after the model's own answers to those before.

    None when the endpoint refuses whoever asks: that says nothing of this question.
    """
    messages = [Message("system", question.system)] if question.system else []
    completions: list[Completion] = []
    for turn in question.turns:
        messages.append(Message("user", turn))
        asked = tuple(messages)
        try:
            completion = await patiently(lambda asked=asked: chat.complete(asked, stream=True), attempts=attempts)
        except ChatError as error:
            final = breaker.failed(error)
            return None if final else Said(question, error=str(error), attempts=error.attempts)
        breaker.succeeded()
        if not completion.text.strip():
            return Said(question, error=f"turn {len(completions) + 1}: the answer is empty ({completion.finish})")
        completions.append(completion)
        messages.append(Message("assistant", completion.text))
    return Said(question, tuple(completions), attempts=sum(completion.attempts for completion in completions))


async def ask_all(
    endpoint: Endpoint, questions: Iterable[Question], *, concurrency: int, attempts: int
) -> AsyncIterator[Said]:
    """What the model says to each question, in the order it is ready, over one shared client.

    Raises ChatError, after what was under way, when the endpoint no longer answers; nothing more is asked then.
    """
    chat, breaker = open_chat(endpoint), Breaker()

    def calls() -> Iterator[Callable[[], Awaitable[Said | None]]]:
        for question in questions:
            if breaker.reason:
                return
            yield partial(ask, chat, question, attempts=attempts, breaker=breaker)

    try:
        async with aclosing(many(calls(), concurrency=concurrency)) as arriving:
            async for said in arriving:
                if said is not None:
                    yield said
    finally:
        await chat.close()
    if breaker.error:
        raise breaker.error


def answer_row(model: LanguageModel, said: Said, *, sample: int, provenance: str) -> Answer:
    """The row (not saved) for what was said; a failure is a row with an error and no text."""
    completions = said.completions
    row = Answer(
        question=said.question,
        model=model,
        sample=sample,
        error=storable(said.error),
        attempts=said.attempts,
        provenance=provenance,
    )
    if said.error:
        return row
    row.turns = [storable(completion.text) for completion in completions]
    if any(completion.reasoning for completion in completions):
        row.reasoning = [storable(completion.reasoning) for completion in completions]
    row.finish = completions[-1].finish[:40]
    row.tokens_in = _sum(completion.tokens_in for completion in completions)
    row.tokens_out = _sum(completion.tokens_out for completion in completions)
    row.first_token_s = completions[0].first_token_s
    row.seconds = sum(completion.seconds for completion in completions)
    return row.rendered()


def _sum(counts) -> int | None:
    counts = list(counts)
    return None if any(count is None for count in counts) else sum(counts)


def collect(
    model: LanguageModel,
    questions: Iterable[Question],
    *,
    concurrency: int = 8,
    attempts: int = ATTEMPTS,
    sample: int = 0,
    provenance: str = Provenance.REAL,
) -> Iterator[list[Answer]]:
    """Ask `model` these questions and save every answer as it arrives; yields what was saved, a list at a time.

    `questions` may be an iterator, which is then read one by one as there is room for a call, on another thread.

    A failed call is kept as a row with its error, and takes the place of an earlier failure. Raises NoKey before the
    first call when the key is missing, ChatError (after what was under way) when the endpoint refuses whoever asks
    or no longer answers, NotKept when the database will not take an answer.
    """
    if not model.provider:
        return
    endpoint = model.endpoint(key_of(model))
    if not isinstance(questions, Iterator):
        questions = list(questions)  # a query would not run on the loop's thread
    for batch in arrivals(lambda: ask_all(endpoint, questions, concurrency=concurrency, attempts=attempts)):
        rows = [answer_row(model, said, sample=sample, provenance=provenance) for said in batch]
        _keep(rows, model, sample=sample)
        yield rows


def _keep(rows: list[Answer], model: LanguageModel, *, sample: int) -> None:
    """Save these answers of one model, in place of earlier failures."""
    asked = [row.question_id for row in rows]
    there = Answer.objects.filter(model=model, sample=sample, question__in=asked)
    there.failed().delete()
    keep(rows, key=lambda row: row.question_id, known=lambda: set(there.values_list("question", flat=True)))
