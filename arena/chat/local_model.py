"""A causal language model on this machine: prompts, replies in batches, likelihoods of texts, perplexity."""

from __future__ import annotations

import copy
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from arena.chat.base import Message
from arena.chat.draft import MOST_TOP
from arena.chat.local_queue import closing
from arena.chat.local_template import templated
from arena.chat.local_weights import Loaded, Weights, load, once, refusal, torch_or_refusal

logger = logging.getLogger(__name__)

THINKING = "<think>"
WORTH_KEEPING = 16  # tokens that prompts begin with together
# torch draws from one generator for the whole process: who draws has it alone.
_drawing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How replies are drawn: `temperature` 0 takes the likeliest token each time.

    `seconds` bounds how long a batch writes. They begin with its first token: reading the prompts can neither be stopped, nor
    does it go on and on, and on a busy machine it may take longer than any time set for writing.

    `logprobs` asks for so many alternatives to each of a reply's first tokens; 0 asks for none.
    """

    max_tokens: int = 1024
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    seconds: float = 120.0
    logprobs: int = 0

    @property
    def is_seeded(self) -> bool:
        """Whether a reply must not depend on what else is in its batch."""
        return self.seed is not None and self.temperature > 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt in tokens; `thinking` says that its template has already opened the block of thoughts."""

    ids: tuple[int, ...]
    thinking: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it was generated; `finish` is "stop", "length", or "late" where the time ran out.

    `weighed` are its first tokens with their alternatives: token, logprob, top_logprobs.
    """

    text: str
    finish: str
    tokens_in: int
    tokens_out: int
    weighed: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class OptionScore:
    """How likely a text is as the reply: its log-likelihood in nats, as a sum and per character."""

    option: str
    total: float
    per_character: float


def causal_model(weights: Weights) -> CausalModel:
    """The model of these weights, loaded with the first call in this process. Raises ChatError."""
    return once("causal", weights, lambda: CausalModel(load("AutoModelForCausalLM", weights)))


class CausalModel:
    """A loaded model. Its methods block, and one at a time may run: see `arena.chat.local_queue`."""

    def __init__(self, loaded: Loaded) -> None:
        self._torch = torch_or_refusal()
        self._model, self._tokenizer, self._device = loaded.model, loaded.tokenizer, loaded.device
        self.templated = bool(getattr(self._tokenizer, "chat_template", None))
        if not self.templated:
            logger.warning("%s has no chat template: it is given plain prompts", self._model.config.name_or_path)
        self._end = self._end_tokens()
        pad = self._tokenizer.pad_token_id
        self._pad = pad if pad is not None else (self._end[0] if self._end else 0)
        self._settle()
        self._prefix: tuple[int, ...] = ()
        self._cache: Any = None

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """The messages as the model was trained to see them; without a chat template, one after the other."""
        text = self._text(messages)
        return Prompt(self._encode(text), thinking=text.rstrip().endswith(THINKING))

    def fitting_prompt(self, messages: Sequence[Message]) -> Prompt:
        """The prompt of the messages. Raises ChatError where the model has no room for a reply to it."""
        prompt = self.prompt(messages)
        self._fits(len(prompt.ids) + 1)
        return prompt

    def count(self, text: str) -> int:
        """How many tokens a reply has."""
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Reply]:
        """A reply to each prompt, all of them in one padded batch; prompts are those of `fitting_prompt`.

        What they begin with together is read once, and not again by later calls that begin so too. Not so with a seed:
        such a reply depends on nothing that was asked before.
        """
        torch = self._torch
        rows = [prompt.ids for prompt in prompts]
        past = None if sampling.is_seeded else self._past(rows)
        ids, mask = self._padded_after(rows, past.get_seq_length() if past else 0)
        long = ids.shape[1]
        room = self._room(sampling, long)
        how = self._how(sampling, room) | ({"past_key_values": past} if past else {})
        with _drawing if sampling.temperature > 0 else nullcontext(), torch.inference_mode():
            if sampling.is_seeded:
                torch.manual_seed(sampling.seed)
            made = self._model.generate(ids, attention_mask=mask, return_dict_in_generate=True, **how)
        told = [[int(token) for token in row[long:]] for row in made.sequences]
        drawn = [torch.stack([step[at] for step in made.logits]) if made.logits else None for at in range(len(rows))]
        return [
            self._reply(prompt, row, sampling, room, logits)
            for prompt, row, logits in zip(prompts, told, drawn, strict=True)
        ]

    def option_logprobs(self, messages: Sequence[Message], options: Sequence[str]) -> list[OptionScore]:
        """How likely each option is as the whole beginning of the reply."""
        text = self._text(messages)
        totals = self.likelihoods(text, options)
        return [
            OptionScore(option, total, total / max(1, len(option)))
            for option, total in zip(options, totals, strict=True)
        ]

    def reply_likelihoods(self, messages: Sequence[Message], begun: str, endings: Sequence[str]) -> list[float]:
        """The log-likelihood of each ending of a reply that begins so."""
        return self.likelihoods(self._text(messages) + begun, endings)

    def likelihoods(self, text: str, endings: Sequence[str]) -> list[float]:
        """The log-likelihood in nats of each ending after the text.

        Text and ending are made into tokens together, as they would have been read; where a token spans both, all endings are
        counted from it on, so that they stay comparable.
        """
        rows = [self._encode(text + ending) for ending in endings]
        self._fits(max(map(len, rows)))
        # The last token of what is common predicts the first that differs; at least one must stand before it.
        common = max(1, min([_common(self._encode(text), row) for row in rows] + [len(row) - 1 for row in rows]))
        held = self._hold(rows[0][: common - 1])
        if held is None:
            return self._whole_likelihoods(rows, common)
        return self._batch_likelihoods([row[common - 1 :] for row in rows], past=held, at=common - 1)

    def perplexity(self, text: str) -> float:
        """exp of the mean negative log-likelihood of the text's tokens, each given those before it.

        The first token counts only where the model has one that begins texts. Raises ChatError for a text of no or one token,
        or one that is too long for the model.
        """
        ids = self._encode(text)
        begin = self._tokenizer.bos_token_id
        row = (begin, *ids) if begin is not None and ids[:1] != (begin,) else ids
        self._fits(len(row))
        if len(row) < 2:
            raise refusal("the perplexity of a text needs at least two tokens")
        return math.exp(-self._whole_likelihoods([row], 1)[0] / (len(row) - 1))

    # Tokens

    def _text(self, messages: Sequence[Message]) -> str:
        if not self.templated:
            return "\n\n".join(message.content for message in messages) + "\n\n"
        return templated(self._tokenizer, messages, add_generation_prompt=True)

    def _encode(self, text: str) -> tuple[int, ...]:
        # A template writes the special tokens itself.
        return tuple(self._tokenizer(text, add_special_tokens=not self.templated)["input_ids"])

    def _fits(self, tokens: int) -> None:
        most = getattr(self._model.config, "max_position_embeddings", None)
        if most is not None and tokens > most:
            raise refusal(f"the prompt has {tokens} tokens, the model takes {most}", status=413)

    def _end_tokens(self) -> list[int]:
        told = self._model.generation_config.eos_token_id
        every = told if isinstance(told, list) else [told]
        return sorted({token for token in [*every, self._tokenizer.eos_token_id] if token is not None})

    def _settle(self) -> None:
        """Takes away the model's own ideas of sampling (penalties, top_k): what is not asked for does not happen."""
        from transformers import GenerationConfig

        self._model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            eos_token_id=self._end or None, pad_token_id=self._pad
        )

    # Replies

    def _room(self, sampling: Sampling, longest: int) -> int:
        """How many tokens a reply may have."""
        most = getattr(self._model.config, "max_position_embeddings", None)
        return sampling.max_tokens if most is None else min(sampling.max_tokens, most - longest)

    def _how(self, sampling: Sampling, room: int) -> dict[str, Any]:
        how: dict[str, Any] = {"max_new_tokens": room, "do_sample": False, "stopping_criteria": [self._clock(sampling)]}
        # Kept for every token of a long reply they would be gigabytes: such a one is looked at once more, see `_weighed`.
        how["output_logits"] = bool(sampling.logprobs) and room <= MOST_TOP
        if sampling.temperature > 0:
            how |= {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        if sampling.stop:
            how |= {"stop_strings": list(sampling.stop), "tokenizer": self._tokenizer}
        return how

    def _clock(self, sampling: Sampling) -> Callable[..., Any]:
        """What ends a batch that has been writing for too long; it is asked after every token."""
        began: list[float] = []

        def is_over(ids: Any, _scores: Any, **_more: Any) -> Any:
            began.append(time.monotonic()) if not began else None
            over = closing.is_set() or time.monotonic() - began[0] > sampling.seconds
            return self._torch.full((ids.shape[0],), over, dtype=self._torch.bool, device=ids.device)

        return is_over

    def _reply(self, prompt: Prompt, row: list[int], sampling: Sampling, room: int, logits: Any) -> Reply:
        ends = [at for at, token in enumerate(row) if token in self._end]
        ids = row[: ends[0]] if ends else row
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        stops = [text.index(each) for each in sampling.stop if each in text]
        text = text[: min(stops)] if stops else text
        late = "length" if len(row) >= room else "late"
        said = f"{THINKING}\n{text}" if prompt.thinking else text
        weighed = self._weighed(prompt, ids[:MOST_TOP], sampling.logprobs, logits) if sampling.logprobs else ()
        return Reply(said, "stop" if ends or stops else late, len(prompt.ids), len(ids) + bool(ends), weighed)

    def _weighed(self, prompt: Prompt, ids: Sequence[int], most: int, logits: Any) -> tuple[Mapping[str, Any], ...]:
        """These tokens of a reply, each with the likeliest that could have stood there.

        `logits` are those that they were drawn by (tokens, vocabulary); None where they were not kept.
        """
        if not ids:
            return ()
        torch = self._torch
        if logits is None:
            row = torch.tensor([[*prompt.ids, *ids]], device=self._device)
            with torch.inference_mode():
                logits = self._model(row, use_cache=False, logits_to_keep=len(ids) + 1).logits[0, :-1]
        logs = torch.log_softmax(logits[: len(ids)].double(), dim=-1)
        values, tokens = logs.topk(min(most, logs.shape[-1]), dim=-1)
        return tuple(
            {
                **self._weight(ids[at], logs[at, ids[at]]),
                "top_logprobs": [self._weight(*pair) for pair in zip(tokens[at], values[at], strict=True)],
            }
            for at in range(len(ids))
        )

    def _weight(self, token: Any, value: Any) -> dict[str, Any]:
        return {"token": self._tokenizer.decode([int(token)]), "logprob": float(value)}

    # Likelihoods, and what is kept for them and for prompts

    def _past(self, rows: Sequence[tuple[int, ...]]) -> Any:
        """The keys and values of what these rows begin with together, once for each; None where that is not worth it."""
        shared = min([len(row) - 1 for row in rows] + [_common(rows[0], row) for row in rows[1:]])
        held = self._hold(rows[0][:shared]) if shared >= WORTH_KEEPING else None
        if held is None:
            return None
        past = copy.deepcopy(held)
        if len(rows) > 1:
            past.batch_repeat_interleave(len(rows))
        return past

    def _padded_after(self, rows: Sequence[tuple[int, ...]], shared: int) -> tuple[Any, Any]:
        """The rows and their mask, padded after the tokens that they share, so that every reply begins right after its prompt."""
        longest = max(map(len, rows))
        lacking = [longest - len(row) for row in rows]
        ids = [[*row[:shared], *[self._pad] * n, *row[shared:]] for row, n in zip(rows, lacking, strict=True)]
        mask = [[1] * shared + [0] * n + [1] * (longest - n - shared) for n in lacking]
        return self._torch.tensor(ids, device=self._device), self._torch.tensor(mask, device=self._device)

    def _hold(self, ids: tuple[int, ...]) -> Any:
        """The keys and values of these tokens, kept from call to call; None where the model's cannot be cut back."""
        from transformers import DynamicCache

        torch = self._torch
        if self._cache is None or not ids:
            self._cache, self._prefix = DynamicCache(config=self._model.config), ()
        if not getattr(self._cache, "is_croppable", True):
            return None
        keep = min(_common(self._prefix, ids), len(self._prefix))
        if keep < len(self._prefix):
            if keep == 0:
                self._cache = DynamicCache(config=self._model.config)
            else:
                self._cache.crop(keep - len(self._prefix))
            self._prefix = self._prefix[:keep]
        if len(ids) > keep:
            cache, self._cache = self._cache, None  # what fails on the way, as where memory is full, is half written
            with torch.inference_mode():
                new = torch.tensor([ids[keep:]], device=self._device)
                self._model(new, past_key_values=cache, use_cache=True, logits_to_keep=1)
            self._cache, self._prefix = cache, ids
        return self._cache

    def _batch_likelihoods(self, rows: Sequence[tuple[int, ...]], *, past: Any, at: int) -> list[float]:
        """The log-likelihood of each row after its first token; what came before is in `past`, `at` tokens long."""
        torch = self._torch
        cache = copy.deepcopy(past)
        if at:
            cache.batch_repeat_interleave(len(rows))
        ids, mask = self._right_padded(rows)
        seen = torch.cat([torch.ones(len(rows), at, dtype=mask.dtype, device=self._device), mask], dim=1)
        with torch.inference_mode():
            logits = self._model(ids, attention_mask=seen, past_key_values=cache, use_cache=True).logits
        return self._sums(logits, ids, rows)

    def _whole_likelihoods(self, rows: Sequence[tuple[int, ...]], common: int) -> list[float]:
        """The log-likelihood of each row from its token `common` on, without a cache."""
        ids, mask = self._right_padded(rows)
        keep = ids.shape[1] - common + 1
        with self._torch.inference_mode():
            logits = self._model(ids, attention_mask=mask, use_cache=False, logits_to_keep=keep).logits
        return self._sums(logits, ids[:, common - 1 :], [row[common - 1 :] for row in rows])

    def _right_padded(self, rows: Sequence[tuple[int, ...]]) -> tuple[Any, Any]:
        longest = max(map(len, rows))
        ids = [list(row) + [self._pad] * (longest - len(row)) for row in rows]
        mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
        return self._torch.tensor(ids, device=self._device), self._torch.tensor(mask, device=self._device)

    def _sums(self, logits: Any, ids: Any, rows: Sequence[tuple[int, ...]]) -> list[float]:
        torch = self._torch
        logs = torch.log_softmax(logits[:, :-1].double(), dim=-1)
        each = logs.gather(2, ids[:, 1:].unsqueeze(2)).squeeze(2)
        return [float(each[number, : len(row) - 1].sum()) for number, row in enumerate(rows)]


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two sequences begin with together."""
    shorter = min(len(left), len(right))
    return next((at for at in range(shorter) if left[at] != right[at]), shorter)
