"""Models small enough to be made within a test: random weights, a tokenizer of bytes, saved as transformers saves them."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system turns') }}{% endif %}"
    "<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
ROOM = 512  # tokens


def save_tokenizer(folder: Path, *, template: str | None = TEMPLATE) -> int:
    """Saves a tokenizer that knows every byte; returns the size of its vocabulary."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    merged = ["in", "er", 'Ġ"', "10"]
    vocabulary |= {pair: len(letters) + number for number, pair in enumerate(merged)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("i", "n"), ("e", "r"), ("Ġ", '"'), ("1", "0")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.add_special_tokens({"additional_special_tokens": ["<|user|>", "<|assistant|>"]})
    if template:
        fast.chat_template = template
    fast.save_pretrained(folder)
    return len(fast)


def _config(size: int, **more: object):
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=ROOM,
        bos_token_id=260,
        eos_token_id=261,
        initializer_range=0.4,
        **more,
    )


def save_causal(folder: Path, *, seed: int = 1, template: str | None = TEMPLATE) -> str:
    """Saves a causal model with random weights; returns where."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(seed)
    LlamaForCausalLM(_config(save_tokenizer(folder, template=template))).save_pretrained(folder)
    return str(folder)


def save_classifier(folder: Path, *, outputs: int = 1, template: str | None = TEMPLATE) -> str:
    """Saves a sequence classifier with random weights; returns where."""
    import torch
    from transformers import LlamaForSequenceClassification

    torch.manual_seed(2)
    config = _config(save_tokenizer(folder, template=template), num_labels=outputs, pad_token_id=261)
    LlamaForSequenceClassification(config).save_pretrained(folder)
    return str(folder)
