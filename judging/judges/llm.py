"""A language model as judge: render, ask, parse, with one repair turn when the reply cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from time import perf_counter
from typing import Any

from arena.chat import ATTEMPTS, Breaker, Chat, ChatError, Completion, Endpoint, Message, many, open_chat, patiently
from judging.judges.base import (
    API_ERROR,
    UNREAD,
    EndpointDown,
    Exhibit,
    NoRubric,
    RubricText,
    Verdict,
    unshown,
)
from judging.judges.digests import digest_of_judge, digest_of_prompt
from judging.judges.llm_options import LOGPROBS, TEXT, check_logprobs, check_options, identity_of, with_few_tokens
from judging.judges.reading import NO_LOGPROBS
from judging.judges.sampling import fewest, settled
from judging.judges.transcript import ASKED_AGAIN, Turn, read_again, strongest, verdict_of
from judging.prompts import THREE, Asking, Unfit
from judging.replies import Reading

__all__ = ["ASKED_AGAIN", "LLMJudge"]

ReplyTo = Callable[[Exhibit], Completion | None]
Prompt = tuple[Sequence[Message], str]
"""The messages that are sent, and their digest."""
MOST_READY, LONGEST_READY = 5_000, 8_000
"""How many prompts are kept from the look for earlier replies to the asking (those of one piece of a run), and how many
characters a message of theirs may have: some ten megabytes, and in the worst case, all Chinese, eighty."""
REPAIRS = 3
"""How often the verdict is asked for once more: of replies that are garbled by chance, one in ten, ten thousand leave one."""
ALTERNATIVES = 20
"""How many tokens are asked for in each place where a verdict is weighed by log-probability: the most that endpoints give."""


@dataclass(frozen=True)
class LLMJudge:
    """An engine over a chat endpoint; see `judge`.

    `open_chat` opens the connection, once for each call of `judge`, within its event loop. `attempts` bounds the calls for
    one turn. `samples` (1 to 15) are drawn of each verdict, see `sampling`. `verdict` is "text", or "logprobs": weighed by the
    log-probabilities of a single token. `language`, `schema_bound`, `scale`, `preset` and `reference` are those of `Asking`.
    `identity` is what makes the model behind the endpoint this one and no other (name, version, provider, the endpoint's
    model, sampling options), for the digest: not where it is reached, and not how fast it is asked.

    Raises ValueError, which names the option, for one that there is not or that does not go with the others.
    """

    open_chat: Callable[[], Chat]
    rubric: RubricText
    concurrency: int = 8
    schema_bound: bool = False
    language: str | None = None
    attempts: int = ATTEMPTS
    samples: int = 1
    verdict: str = TEXT
    preset: str = ""
    scale: str = THREE
    reference: str = "question"
    identity: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_options(
            self.asking, samples=self.samples, verdict=self.verdict, schema_bound=self.schema_bound, rubric=self.rubric
        )

    @classmethod
    def over(
        cls, endpoint: Endpoint, rubric: RubricText, *, identity: Mapping[str, Any] | None = None, **options: Any
    ) -> LLMJudge:
        """The judge that this endpoint is; `options` are the fields above. Without an identity it is the endpoint's own.

        Raises ValueError as the class does, and for a verdict by log-probability where the provider has none.
        """
        known = identity_of(endpoint) if identity is None else identity
        if options.get("verdict") == LOGPROBS:
            check_logprobs(endpoint)
            endpoint = with_few_tokens(endpoint, rubric)
        return cls(partial(open_chat, endpoint), rubric, identity=known, **options)

    async def judge(
        self, exhibits: Sequence[Exhibit], *, reply_to: ReplyTo = lambda _exhibit: None
    ) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        """Each exhibit with its verdict as it arrives, `concurrency` under way at a time.

        `reply_to` gives the first reply to an exhibit where that is there already: it begins with the repair turn then, if it
        needs one at all. A call that fails for good is a verdict with status "api_error", and so is what the rubric has
        nothing for; what cannot be shown in the way asked for is "skipped" with the reason. Raises EndpointDown, after the verdicts under way, when the endpoint would fail them
        all, as one without log-probabilities does where the verdict is weighed by them; nothing more is asked then.
        """
        chat = self._open()
        breaker = Breaker()
        try:
            calls = self._calls(chat, exhibits, breaker, reply_to)
            async with aclosing(many(calls, concurrency=self.concurrency)) as verdicts:
                async for exhibit, verdict in verdicts:
                    yield exhibit, verdict
        finally:
            self._prompts.clear()
            await chat.close()
        if breaker.reason:
            raise EndpointDown(breaker.reason)

    def digest(self, exhibit: Exhibit) -> str:
        """See AskingEngine; "" for what cannot be shown, and so is not asked."""
        try:
            return self._rendered(exhibit)[1]
        except (NoRubric, Unfit):
            return ""

    def ready(self, exhibit: Exhibit) -> str:
        """See AskingEngine: the prompt is kept for the next `judge`, unless there are very many."""
        try:
            prompt = self._rendered(exhibit)
        except (NoRubric, Unfit):
            return ""
        if len(self._prompts) >= MOST_READY:  # of what was on record already, and so not asked
            self._prompts.clear()
        if all(len(message.content) <= LONGEST_READY for message in prompt[0]):
            self._prompts[id(exhibit)] = (exhibit, prompt)
        return prompt[1]

    def reread(self, exhibit: Exhibit, *, reply: str, details: Mapping[str, Any]) -> Verdict:
        """See AskingEngine."""
        verdict = read_again(self.asking, exhibit, reply=reply, details=details, samples=self.samples)
        return replace(verdict, digest=self.digest(exhibit))

    def calls(self, exhibit: Exhibit) -> tuple[int, int]:
        """See AskingEngine; none for what cannot be shown."""
        if not self.digest(exhibit):
            return 0, 0
        return fewest(self.samples, is_pair=exhibit.is_pair), self.samples

    def request(self, exhibit: Exhibit) -> tuple[Sequence[Message], Mapping[str, Any] | None] | Verdict:
        """The messages to send and the schema of the reply, for whoever sends them otherwise; or why it cannot be shown."""
        try:
            return self.asking.render(exhibit), self._schema(exhibit)
        except (NoRubric, Unfit) as error:
            return unshown(error)

    def verdict_on(self, exhibit: Exhibit, completion: Completion) -> Verdict:
        """What a completion of `request` says; one sample, and no repair turn."""
        messages, digest = self._rendered(exhibit)
        drawn = [[Turn.of(self.asking, exhibit, completion)]]
        most = strongest(self.asking, exhibit)
        return verdict_of(drawn, messages, samples=1, strongest=most, digest=digest)

    @cached_property
    def asking(self) -> Asking:
        """How it is asked."""
        return Asking(
            self.rubric,
            language=self.language,
            schema_bound=self.schema_bound,
            scale=self.scale,
            one_token=self.verdict == LOGPROBS,
            preset=self.preset,
            reference=self.reference,
        )

    @cached_property
    def _who(self) -> dict[int, str]:
        return {}

    @cached_property
    def _prompts(self) -> dict[int, tuple[Exhibit, Prompt]]:
        """By the exhibit's id(), which is its own as long as it stands here."""
        return {}

    def _rendered(self, exhibit: Exhibit) -> Prompt:
        """Raises NoRubric, Unfit."""
        messages = self.asking.render(exhibit)
        return messages, self._digest(exhibit, messages)

    def _digest(self, exhibit: Exhibit, messages: Sequence[Message]) -> str:
        rubric = self.asking.rubric_of(exhibit)
        if id(rubric) not in self._who:
            output = {name: getattr(self, name) for name in ("schema_bound", "samples", "verdict", "preset", "scale")}
            output |= {"language": self.language or "", "reference": self.reference}
            self._who[id(rubric)] = digest_of_judge(self.identity, rubric, output)
        return f"{self._who[id(rubric)]}:{digest_of_prompt(messages, self._schema(exhibit))}"

    def _schema(self, exhibit: Exhibit) -> Mapping[str, Any] | None:
        return self.asking.schema(exhibit) if self.schema_bound else None

    def _open(self) -> Chat:
        try:
            return self.open_chat()
        except ChatError as error:
            raise EndpointDown(str(error)) from error

    def _calls(
        self, chat: Chat, exhibits: Sequence[Exhibit], breaker: Breaker, reply_to: ReplyTo
    ) -> Iterator[Callable[[], Awaitable[tuple[Exhibit, Verdict]]]]:
        """The calls there are to make, read one by one: they end where the endpoint is down."""
        for exhibit in exhibits:
            if breaker.reason:
                return
            yield partial(self._judge_one, chat, exhibit, breaker, reply_to(exhibit))

    async def _judge_one(
        self, chat: Chat, exhibit: Exhibit, breaker: Breaker, reply: Completion | None
    ) -> tuple[Exhibit, Verdict]:
        try:
            kept = self._prompts.pop(id(exhibit)) if id(exhibit) in self._prompts else None
            messages, digest = kept[1] if kept else self._rendered(exhibit)
        except (NoRubric, Unfit) as error:
            return exhibit, unshown(error)
        drawn = [await self._sample(chat, exhibit, messages, breaker, reply)]
        most = strongest(self.asking, exhibit)
        while not settled([turns[-1].reading for turns in drawn], self.samples, strongest=most):
            if breaker.reason:
                break
            drawn.append(await self._sample(chat, exhibit, messages, breaker))
        return exhibit, verdict_of(drawn, messages, samples=self.samples, strongest=most, digest=digest)

    async def _sample(
        self,
        chat: Chat,
        exhibit: Exhibit,
        messages: Sequence[Message],
        breaker: Breaker,
        reply: Completion | None = None,
    ) -> list[Turn]:
        """One reply (the one that is there, if any), and those to the repair turn until one can be read: at most REPAIRS of
        them."""
        first = Turn.of(self.asking, exhibit, reply) if reply else await self._ask(chat, exhibit, messages, breaker)
        turns = [first]
        while turns[-1].reading.status in UNREAD and len(turns) <= REPAIRS:
            again = _asking_again(messages, turns[0].text, self.asking.repair(exhibit))
            turns.append(await self._ask(chat, exhibit, again, breaker))
        return turns

    async def _ask(self, chat: Chat, exhibit: Exhibit, messages: Sequence[Message], breaker: Breaker) -> Turn:
        """What one turn brought; a call that failed for good is a reading with status "api_error"."""
        more: dict[str, Any] = {"logprobs": ALTERNATIVES} if self.verdict == LOGPROBS else {}
        schema = self._schema(exhibit)
        started = perf_counter()
        try:
            completion = await patiently(lambda: chat.complete(messages, schema=schema, **more), attempts=self.attempts)
        except ChatError as error:
            breaker.failed(error)
            failure = Reading(status=API_ERROR, error=str(error) or type(error).__name__)
            return Turn(failure, None, perf_counter() - started, error.attempts)
        turn = Turn.of(self.asking, exhibit, completion)
        if turn.reading.error == NO_LOGPROBS:
            # Where none ever came, none will come for the next prompt; an empty reply has no token to weigh.
            hopeless = bool(completion.text) and not breaker.answered
            breaker.failed(ChatError(NO_LOGPROBS, transient=False, down=hopeless))
        else:
            breaker.succeeded()
        return turn


def _asking_again(messages: Sequence[Message], reply: str, repair: Message) -> list[Message]:
    """The conversation with the repair turn; endpoints refuse an empty turn, so that one is left out."""
    if reply.strip():
        return [*messages, Message("assistant", reply.strip()), repair]
    *before, question = messages
    return [*before, Message(question.role, f"{question.content}\n\n{repair.content}")]
