"""What a language model is shown when it judges: our own prompts in English and Chinese, published ones, tuned judges'.

The system message holds all that stays the same within a run (role, rules, rubric), so that endpoints can
cache it; the user message holds the exhibit, each text fenced as data with a delimiter that its author
cannot have known, and after the last fence the form of the verdict.

    asking = Asking(rubric, language="zh")
    messages = asking.render(exhibit)
"""

from __future__ import annotations

from typing import Any

from arena.chat.base import Message
from judging.judges.base import Exhibit, RubricText
from judging.prompts.asking import REFERENCES, Asking, prompt_language
from judging.prompts.defaults import DEFAULT_RUBRICS, PAIR_RUBRIC, SINGLE_RUBRIC, default_rubric
from judging.prompts.fences import Unfit, as_seen, draw_nonce, joined_turns
from judging.prompts.forms import FIVE, THREE
from judging.prompts.presets import PRESETS
from judging.prompts.templates import FORMS, NoReference
from judging.prompts.wording import CHINESE, ENGLISH, WORDINGS, Wording, in_language

__all__ = [
    "CHINESE",
    "DEFAULT_RUBRICS",
    "ENGLISH",
    "FIVE",
    "FORMS",
    "PAIR_RUBRIC",
    "PRESETS",
    "REFERENCES",
    "SINGLE_RUBRIC",
    "THREE",
    "WORDINGS",
    "Asking",
    "NoReference",
    "Unfit",
    "Wording",
    "as_seen",
    "default_rubric",
    "draw_nonce",
    "in_language",
    "joined_turns",
    "prompt_language",
    "render",
    "repair",
    "verdict_form",
    "verdict_schema",
]


def render(exhibit: Exhibit, rubric: RubricText, *, nonce: str | None = None, **how: Any) -> tuple[Message, ...]:
    """The messages that ask for a verdict on the exhibit; `how` are the fields of Asking. See `Asking.render`."""
    return Asking(rubric, **how).render(exhibit, nonce=nonce)


def verdict_form(exhibit: Exhibit, rubric: RubricText, **how: Any) -> str:
    """The sentence that says how the verdict is to be written. See `Asking.form`."""
    return Asking(rubric, **how).form(exhibit)


def repair(exhibit: Exhibit, rubric: RubricText, **how: Any) -> Message:
    """What is said to a judge whose reply held no verdict that could be read. See `Asking.repair`."""
    return Asking(rubric, **how).repair(exhibit)


def verdict_schema(exhibit: Exhibit, rubric: RubricText, **how: Any) -> dict[str, Any]:
    """The JSON schema of a verdict on the exhibit. See `Asking.schema`."""
    return Asking(rubric, **how).schema(exhibit)
