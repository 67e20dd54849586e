"""Names of options that endpoints know, to catch one that was misspelt: an endpoint may take any, and most ignore what they do not know."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

KNOWN = frozenset(
    [
        "api",
        "attn_implementation",
        "batch_size",
        "chat_template_kwargs",
        "device",
        "device_map",
        "dtype",
        "extra_body",
        "frequency_penalty",
        "guided_json",
        "length_penalty",
        "load_in_4bit",
        "load_in_8bit",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_model_len",
        "max_new_tokens",
        "max_output_tokens",
        "max_tokens",
        "metadata",
        "min_p",
        "min_tokens",
        "mirostat",
        "modalities",
        "n",
        "num_beams",
        "num_ctx",
        "parallel_tool_calls",
        "presence_penalty",
        "provider",
        "quantization",
        "reasoning",
        "reasoning_effort",
        "repeat_penalty",
        "repetition_penalty",
        "response_format",
        "revision",
        "safety_identifier",
        "seed",
        "service_tier",
        "skip_special_tokens",
        "stop",
        "stop_sequences",
        "stop_token_ids",
        "store",
        "stream_options",
        "system",
        "temperature",
        "text",
        "thinking",
        "timeout",
        "tool_choice",
        "tools",
        "top_a",
        "top_k",
        "top_logprobs",
        "top_p",
        "torch_dtype",
        "trust_remote_code",
        "truncation",
        "typical_p",
        "user",
        "verbosity",
    ]
)
LIKE = 0.84  # how alike two names are, 0..1, from which on the one is taken for a slip of the other


def misspelt(names: Iterable[str]) -> list[tuple[str, str]]:
    """Of these names those that nobody knows and that look like one that is known, each with that one."""
    found = []
    for name in names:
        if name not in KNOWN and (meant := get_close_matches(name.casefold(), KNOWN, 1, LIKE)):
            found.append((name, meant[0]))
    return found
