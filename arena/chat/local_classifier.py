"""A reward model on this machine: a sequence classifier that gives a conversation one number."""

from __future__ import annotations

from collections.abc import Sequence

from arena.chat.base import Message
from arena.chat.local_template import templated
from arena.chat.local_weights import NOT_HERE, Loaded, Weights, load, once, refusal, torch_or_refusal

TEMPLATELESS = "\n\n"  # between the turns of a conversation where the model has no chat template


def reward_model(weights: Weights) -> RewardModel:
    """The reward model of these weights, loaded with the first call in this process. Raises ChatError."""
    return once("reward", weights, lambda: RewardModel(load("AutoModelForSequenceClassification", weights)))


class RewardModel:
    """A loaded classifier with one output, the reward, or with two, whose difference it is. Its methods block."""

    def __init__(self, loaded: Loaded) -> None:
        self._torch = torch_or_refusal()
        self._model, self._tokenizer, self._device = loaded.model, loaded.tokenizer, loaded.device
        outputs = int(self._model.config.num_labels)
        if outputs not in (1, 2):
            raise refusal(f"a reward model has one output or two, this one has {outputs}", status=NOT_HERE)
        pad = self._tokenizer.pad_token_id
        self._pad = pad if pad is not None else (self._tokenizer.eos_token_id or 0)
        # Classifiers on causal models read the last token that is no padding, and find it by this.
        self._model.config.pad_token_id = self._pad

    def rewards(self, conversations: Sequence[Sequence[Message]]) -> list[float]:
        """The reward of each conversation, on the model's own scale; each is computed by itself.

        Raises ChatError for a conversation that is too long for the model.
        """
        # One at a time: padding moves the last digits, and a reward must not depend on its neighbours.
        return [self._reward(self._encode(conversation)) for conversation in conversations]

    def _reward(self, ids: Sequence[int]) -> float:
        most = getattr(self._model.config, "max_position_embeddings", None)
        if most is not None and len(ids) > most:
            raise refusal(f"the conversation has {len(ids)} tokens, the model takes {most}", status=413)
        row = self._torch.tensor([list(ids)], device=self._device)
        with self._torch.inference_mode():
            logits = self._model(row, attention_mask=self._torch.ones_like(row)).logits[0].double()
        return float(logits[0] if len(logits) == 1 else logits[1] - logits[0])

    def _encode(self, conversation: Sequence[Message]) -> list[int]:
        if getattr(self._tokenizer, "chat_template", None):
            text = templated(self._tokenizer, conversation)
            return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        texts = [message.content for message in conversation]
        if len(texts) == 2:
            # The way of classifiers that were trained on pairs of texts, with the mark of their own between them.
            return list(self._tokenizer(*texts)["input_ids"])
        return list(self._tokenizer(TEMPLATELESS.join(texts))["input_ids"])
