"""The options of a language model as judge: which there are, and which go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from arena.chat import WITH_LOGPROBS, Endpoint
from judging.judges.base import RubricText
from judging.judges.sampling import MOST_SAMPLES
from judging.prompts import FIVE, PRESETS, REFERENCES, THREE, Asking

TEXT, LOGPROBS = "text", "logprobs"
_LIMITS_OF_TOKENS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def check_options(asking: Asking, *, samples: int, verdict: str, schema_bound: bool, rubric: RubricText) -> None:
    """Raise ValueError, which names the option, for one that there is not or that does not go with the others."""
    _among("verdict", verdict, (TEXT, LOGPROBS))
    _among("scale", asking.scale, (THREE, FIVE))
    _among("preset", asking.preset, ("", *PRESETS))
    _among("reference", asking.reference, REFERENCES)
    if isinstance(samples, bool) or not isinstance(samples, int) or not 1 <= samples <= MOST_SAMPLES:
        raise ValueError(f"option 'samples' is a whole number from 1 to {MOST_SAMPLES}, not {samples!r}")
    said = [
        name
        for name, is_set in (
            ("schema_bound", schema_bound),
            ("verdict", verdict == LOGPROBS),
            ("scale", asking.scale == FIVE),
            ("language", bool(asking.language)),
        )
        if is_set
    ]
    if asking.preset and said:
        raise ValueError(f"option '{said[0]}' does not go with preset '{asking.preset}', which has a prompt of its own")
    templates = [text.template for text in _texts(rubric)]
    # A template in one category leaves the language to the others.
    own = ["preset"] if asking.preset else [name for name in said if name != "language" or all(templates)]
    if own and any(templates):
        raise ValueError(f"option '{own[0]}' does not go with rubric {rubric.name}, whose template asks in its own way")
    others = [name for name in said if name not in ("verdict", "language")]
    if verdict == LOGPROBS and others:
        raise ValueError(f"option '{others[0]}' does not go with verdict 'logprobs', which is a single token")


def check_logprobs(endpoint: Endpoint) -> None:
    """Raise ValueError where no endpoint of this provider gives the log-probabilities that a verdict is weighed by."""
    if endpoint.provider not in WITH_LOGPROBS:
        providers = ", ".join(sorted(WITH_LOGPROBS))
        raise ValueError(
            f"option 'verdict' cannot be 'logprobs' with the provider {endpoint.provider}, which gives no"
            f" log-probabilities; these do: {providers}"
        )


def identity_of(endpoint: Endpoint) -> Mapping[str, Any]:
    """What makes the model behind an endpoint this one and no other; not where it is reached, nor its key."""
    return {"provider": endpoint.provider, "model": endpoint.model, "options": dict(endpoint.options)}


def with_few_tokens(endpoint: Endpoint, rubric: RubricText) -> Endpoint:
    """The endpoint asked for no more tokens than the highest mark has digits, unless it says itself how many.

    To some models every digit is a token: a "1" alone could be the beginning of a "10".
    """
    if any(name in endpoint.options for name in _LIMITS_OF_TOKENS):
        return endpoint
    highest = max((text.highest for text in _texts(rubric)), default=rubric.highest)
    return replace(endpoint, options={**endpoint.options, "max_tokens": max(1, len(f"{highest:.0f}"))})


def _texts(rubric: RubricText) -> Iterator[RubricText]:
    """The rubrics that anything is judged by."""
    for text in (*(() if rubric.only_variants else (rubric,)), *rubric.variants.values()):
        yield from text.cases.values() or (text,)


def _among(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"option '{name}' is one of {', '.join(word for word in known if word)}, not {value!r}")
