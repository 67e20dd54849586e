"""Published judge prompts, used exactly as they stand: their {names} are filled in, and nothing else is touched.

A published prompt has no fences, and adding some would make it another prompt: here an answer that plays the judge is
held off only by how the reply is read, not by how it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from arena.chat.base import Message
from judging.judges.base import Exhibit, Template
from judging.prompts.fences import Unfit, joined_turns

FORMS: Mapping[str, str] = {
    "[[A]]": "pair",
    "[[A>>B]]": "pair",
    "[[rating_a,rating_b]]": "pair",
    "ranks": "pair",
    "[[rating]]": "score",
}
"""The forms of verdict that a template may ask for, and what is judged by them: two answers, or one."""

# As in files written for str.format: a doubled brace is a brace.
_MARK = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")
_KNOWN = re.compile(r"question(_[1-9]\d?)?|answer(_[ab])?(_[1-9]\d?)?|ref_answer_[1-9]\d?")


class NoReference(Unfit):
    """A template shows a reference, and the question has none."""


def names_in(template: Template) -> list[str]:
    """The {names} of its system and user message, in their order, with repeats."""
    return [name for text in (template.system, template.prompt) for name in _MARK.findall(text) if name]


def is_known(name: str) -> bool:
    """Whether an exhibit can have something by that name."""
    return bool(_KNOWN.fullmatch(name))


def render_template(exhibit: Exhibit, template: Template) -> tuple[Message, ...]:
    """The messages of a published prompt about the exhibit, which is `as_seen`.

    Raises NoReference where it shows a reference that the question does not have, and Unfit where the prompt was written
    for something else: one answer and not two, other turns than there are.
    """
    kind = FORMS.get(template.form)
    if kind != ("pair" if exhibit.is_pair else "score"):
        answers = "two answers" if exhibit.is_pair else "one answer"
        raise Unfit(f"the template asks for {template.form}, which is no verdict on {answers}")
    _check_turns(exhibit, template)
    texts = dict(_values(exhibit))
    prompt = Message("user", fill(template.prompt, texts))
    return (Message("system", fill(template.system, texts)), prompt) if template.system else (prompt,)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its {names} replaced, in one pass: what comes in is not searched again. Raises NoReference, Unfit."""

    def said(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return match.group()[0]
        if name in values:
            return values[name]
        if name.startswith("ref_answer"):
            raise NoReference(f"the template shows a reference as {{{name}}}, and the question has none there")
        raise Unfit(f"the template shows {{{name}}}, and what is judged has nothing by that name")

    return _MARK.sub(said, text)


def _values(exhibit: Exhibit) -> Iterator[tuple[str, str]]:
    """What each name stands for: without a number all turns together, with one that turn."""
    yield "question", joined_turns(exhibit.turns)
    for number, text in enumerate(exhibit.turns, 1):
        yield f"question_{number}", text
    for slot, turns in zip(("answer_a", "answer_b") if exhibit.is_pair else ("answer",), exhibit.answers, strict=True):
        yield slot, joined_turns(turns)
        for number, text in enumerate(turns, 1):
            yield f"{slot}_{number}", text
    for number, text in enumerate(exhibit.reference, 1):
        if text and text.strip():
            yield f"ref_answer_{number}", text


def _check_turns(exhibit: Exhibit, template: Template) -> None:
    """Raise Unfit where a template written for so many turns would leave some out in silence."""
    numbers = [int(name.rsplit("_", 1)[1]) for name in names_in(template) if re.fullmatch(r"question_\d+", name)]
    if numbers and max(numbers) < len(exhibit.turns):
        raise Unfit(f"the template shows {max(numbers)} turns, and the question has {len(exhibit.turns)}")
