"""Answers: each question asked of each model, turn by turn, kept as they arrive; again asks only what is missing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from arena.background import arrivals
from arena.chat import ChatError, many, open_chat, patiently
from arena.chat.base import Chat, Completion, Endpoint, Message
from arena.models import Answer, LanguageModel, Provenance, Question, storable

REFUSES_EVERYBODY = (401, 402, 404)  # the key, the bill, the model: the next question would fare no better


class NoKey(Exception):
    """A model's key is not in the environment."""


def key_of(model: LanguageModel) -> str:
    """The model's key from the environment variable that its row names; "" where it names none. Raises NoKey."""
    if not model.key_env:
        return ""
    if key := os.environ.get(model.key_env, ""):
        return key
    raise NoKey(f"model {model.name}: the environment variable {model.key_env} is not set (field key_env)")


@dataclass(frozen=True)
class Said:
    """What a model said to one question: its completions turn by turn, or the error that ended it."""

    question: Question
    completions: tuple[Completion, ...] = ()
    error: str = ""
    attempts: int = 0


async def ask(chat: Chat, question: Question, *, attempts: int) -> Said:
    """All turns of one question, each after the model's own answers to those before.

    Raises ChatError only when the endpoint would refuse every other question too.
    """
    messages = [Message("system", question.system)] if question.system else []
    completions: list[Completion] = []
    for turn in question.turns:
        messages.append(Message("user", turn))
        asked = tuple(messages)
        try:
            completion = await patiently(lambda asked=asked: chat.complete(asked, stream=True), attempts=attempts)
        except ChatError as error:
            if error.status in REFUSES_EVERYBODY and not error.transient:
                raise
            return Said(question, error=str(error), attempts=error.attempts)
        if not completion.text.strip():
            return Said(question, error=f"turn {len(completions) + 1}: the answer is empty ({completion.finish})")
        completions.append(completion)
        messages.append(Message("assistant", completion.text))
    return Said(question, tuple(completions), attempts=sum(completion.attempts for completion in completions))


async def ask_all(
    endpoint: Endpoint, questions: Sequence[Question], *, concurrency: int, attempts: int
) -> AsyncIterator[Said]:
    """What the model says to each question, in the order it is ready, over one shared client."""
    chat = open_chat(endpoint)
    try:
        calls = ((lambda question=question: ask(chat, question, attempts=attempts)) for question in questions)
        async for said in many(calls, concurrency=concurrency):
            yield said
    finally:
        await chat.close()


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
    attempts: int = 5,
    sample: int = 0,
    provenance: str = Provenance.REAL,
) -> Iterator[list[Answer]]:
    """Ask `model` these questions and save every answer as it arrives; yields what was saved, a list at a time.

    A failed call is kept as a row with its error, and takes the place of an earlier failure. Raises NoKey before the
    first call when the key is missing, ChatError when the endpoint refuses whoever asks.
    """
    if not model.provider:
        return
    endpoint, questions = model.endpoint(key_of(model)), list(questions)  # a query would not run on the loop's thread
    for batch in arrivals(lambda: ask_all(endpoint, questions, concurrency=concurrency, attempts=attempts)):
        rows = [answer_row(model, said, sample=sample, provenance=provenance) for said in batch]
        with transaction.atomic():
            again = [row.question_id for row in rows]
            Answer.objects.failed().filter(model=model, sample=sample, question__in=again).delete()
            Answer.objects.bulk_create(rows, ignore_conflicts=True)
        yield rows
