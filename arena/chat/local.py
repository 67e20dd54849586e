"""Language models on this machine, through transformers: weights from a folder, a hub id or a GGUF file.

Options: `dtype`, `device`, `batch_size`, `max_tokens`, `temperature`, `top_p`, `seed`, `stop`. Temperature is 0 unless given.
With a seed, a reply does not depend on what else is asked at the same time. A reply bound to a schema is chosen value by value,
see `arena.chat.bound`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from arena.chat.base import ChatError, Closing, Completion, Endpoint, Message
from arena.chat.bound import NotBound, choices, fill
from arena.chat.draft import Draft
from arena.chat.local_model import CausalModel, OptionScore, Prompt, Reply, Sampling, causal_model
from arena.chat.local_queue import FAULTS, Worker, awaited, failure
from arena.chat.local_weights import Weights, once, refusal

T = TypeVar("T")

BATCH = 8
FEW = 4  # tokens: such a reply is all reading of its prompt, which a batch does not make faster, and would only bring later
NO_TEMPLATE = "the model has no chat template: it was given a plain prompt"
OPTIONS = ("dtype", "device", "batch_size", "max_tokens", "temperature", "top_p", "seed", "stop")


class LocalChat(Closing):
    """See `Chat`. Chats with the same weights share the model and its thread; closing a chat keeps it loaded."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        unknown = sorted(set(endpoint.options) - set(OPTIONS))
        if unknown:
            raise refusal(f"a local model has no option '{unknown[0]}'; its options: {', '.join(OPTIONS)}")
        self._weights = Weights.of(endpoint)
        self._sampling = _sampling(endpoint)
        self._batch_size = _whole(endpoint, "batch_size", 0, lowest=1)
        self._worker: Worker[Any, Any] = once("worker", self._weights, partial(Worker, f"local {endpoint.model}"))

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        stream: bool = False,
        logprobs: int | None = None,
    ) -> Completion:
        """See `Chat.complete`; never streamed. Calls made at the same time are answered as one batch.

        A reply bound to a schema has no log-probabilities: its tokens were not drawn.
        """
        draft = Draft()
        sampling = replace(self._sampling, logprobs=logprobs or 0)
        reply = await (self._generated(messages, sampling) if schema is None else self._bound(messages, schema))
        if reply.finish == "late":
            # Asked again it would be as long, and take as much time.
            told = f"no whole answer within {self.endpoint.timeout:g} s of writing: lower max_tokens or raise timeout"
            raise ChatError(told, transient=False)
        draft.say(reply.text)
        draft.finish, draft.tokens_in, draft.tokens_out = reply.finish, reply.tokens_in, reply.tokens_out
        draft.weigh(list(reply.weighed))
        draft.notes = () if self._model().templated else (NO_TEMPLATE,)
        return draft.completion(streamed=False)

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str | Completion]:
        """See `Chat.stream`; the text comes in one piece."""
        completion = await self.complete(messages)
        if completion.text:
            yield completion.text
        yield completion

    async def option_logprobs(self, messages: Sequence[Message], options: Sequence[str]) -> list[OptionScore]:
        """How likely each option is as the beginning of the reply, in nats. Raises ChatError."""
        if not options or not all(options):
            raise refusal("there is nothing to choose between: options are texts that are not empty")
        return await self._alone(lambda model: model.option_logprobs(messages, options))

    async def perplexity(self, text: str) -> float:
        """exp of the mean negative log-likelihood of the text's tokens. Raises ChatError."""
        return await self._alone(lambda model: model.perplexity(text))

    async def _generated(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        """A reply, generated in a batch with others that are drawn in the same way."""
        model = self._model

        def replies(given: Sequence[Sequence[Message]]) -> Sequence[Reply | ChatError]:
            return _each_that_fits(model(), given, sampling)

        most = 1 if sampling.is_seeded else self._batch_size or (1 if sampling.max_tokens <= FEW else BATCH)
        result = await awaited(self._worker.together(sampling, replies, messages, most=most))
        if isinstance(result, ChatError):
            raise result
        reply: Reply = result
        return reply

    async def _bound(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Reply:
        try:
            choices(schema)
        except NotBound as error:
            raise refusal(f"a local model cannot be bound to this schema: {error}") from error

        def filled(model: CausalModel) -> Reply:
            text = fill(schema, partial(model.reply_likelihoods, messages))
            prompt = model.prompt(messages)
            return Reply(text, "stop", len(prompt.ids), model.count(text))

        return await self._alone(filled)

    async def _alone(self, work: Callable[[CausalModel], T]) -> T:
        return await awaited(self._worker.alone(lambda: work(self._model())))

    def _model(self) -> CausalModel:
        return causal_model(self._weights)


def _each_that_fits(
    model: CausalModel, given: Sequence[Sequence[Message]], sampling: Sampling
) -> Sequence[Reply | ChatError]:
    """A reply for each conversation; one that the model cannot take is its own error, and not that of the others."""
    results: list[Reply | ChatError] = []
    prompts: dict[int, Prompt] = {}
    for number, messages in enumerate(given):
        try:
            prompts[number] = model.fitting_prompt(messages)
            results.append(refusal("not answered"))
        except ChatError as error:
            results.append(error)
        except FAULTS as error:
            results.append(failure(error))
    replies = _generated(model, list(prompts.values()), sampling) if prompts else []
    for number, reply in zip(prompts, replies, strict=True):
        results[number] = reply
    return results


def _generated(model: CausalModel, prompts: Sequence[Prompt], sampling: Sampling) -> Sequence[Reply | ChatError]:
    """A reply to each prompt. Where that fails, as what is too much for the memory at once, they are tried one by one, and what
    fails then is an error of its own."""
    try:
        return model.generate(prompts, sampling)
    except FAULTS as error:
        if len(prompts) == 1:
            return [failure(error)]
    return [reply for prompt in prompts for reply in _generated(model, [prompt], sampling)]


def _sampling(endpoint: Endpoint) -> Sampling:
    stop = endpoint.options.get("stop") or ()
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    if not all(isinstance(each, str) and each for each in stops):
        raise refusal("option 'stop' must be a text or a list of texts")
    seed = endpoint.options.get("seed")
    return Sampling(
        max_tokens=_whole(endpoint, "max_tokens", Sampling().max_tokens, lowest=1),
        temperature=_number(endpoint, "temperature", 0.0, highest=10.0),
        top_p=_number(endpoint, "top_p", 1.0, highest=1.0),
        seed=None if seed is None else _whole(endpoint, "seed", 0, lowest=0),
        stop=stops,
        seconds=endpoint.timeout,
    )


def _whole(endpoint: Endpoint, name: str, default: int, *, lowest: int) -> int:
    value = endpoint.options.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
        raise refusal(f"option '{name}' must be a whole number from {lowest}, not {value!r:.40}")
    return value


def _number(endpoint: Endpoint, name: str, default: float, *, highest: float) -> float:
    value = endpoint.options.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        raise refusal(f"option '{name}' must be a number from 0 to {highest:g}, not {value!r:.40}")
    return float(value)
