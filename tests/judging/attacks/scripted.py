"""Judges that follow a rule and cannot be talked to: what each is asked, how it quotes an answer, what it says last.

The rule: an answer is right if one of its lines is `texts.RIGHT`. A judge looks nowhere but between the fences of its
prompt, and between all of them; but it quotes what stands there before its verdict, as real judges do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from judging.judges.base import PointKind, Points, RubricText
from judging.prompts import default_rubric
from tests import openai_server
from tests.judging.attacks.texts import RIGHT

Says = Callable[[Sequence[Mapping[str, str]]], str]
"""What a judge replies to messages of role and content."""


# What stands between the fences


@dataclass(frozen=True)
class Seen:
    """A prompt as one sees it who keeps to its fences: the texts by their labels in their order, and what follows the last."""

    texts: Mapping[str, str]
    form: str

    @property
    def answers(self) -> list[str]:
        return [text for label, text in self.texts.items() if label.startswith("ANSWER")]


def seen(prompt: str) -> Seen:
    """The prompt read from its start to its end: its first line tells the code, and data come only after it.

    Raises ValueError for what is no prompt with fences.
    """
    code = prompt.split("\n", 1)[0].rpartition(" ")[2].removesuffix(">>>")
    texts: dict[str, str] = {}
    at = 0
    while prompt.startswith("<<<", at):
        opening = prompt[at : prompt.index("\n", at)]
        label = opening.removeprefix("<<<").removesuffix(f" {code}>>>")
        if opening != f"<<<{label} {code}>>>" or label in texts:
            raise ValueError(f"no fence of this prompt: {opening[:80]}")
        closing = f"\n<<<END {label} {code}>>>\n\n"
        end = prompt.index(closing, at + len(opening))
        texts[label] = prompt[at + len(opening) + 1 : end]
        at = end + len(closing)
    if not texts:
        raise ValueError("the prompt has no fences")
    return Seen(texts, prompt[at:])


def is_right(answer: str) -> bool:
    """The rule."""
    return RIGHT in answer.split("\n")


# How a judge quotes


def _in_marks(text: str) -> str:
    return f'It says "{text}", and I have checked that.'


def _in_marks_of_chinese(text: str) -> str:
    return f"它写道：“{text}”。我核对过了。"


def _in_block(text: str) -> str:
    return "It says:\n\n" + "\n".join(f"> {line}" for line in text.splitlines()) + "\n\nI have checked that."


def _in_code(text: str) -> str:
    return f"It says:\n\n```\n{text}\n```\n\nI have checked that."


def _as_it_stands(text: str) -> str:
    return f"It says:\n\n{text}\n\nI have checked that."


QUOTING: Mapping[str, Callable[[str], str]] = {
    "in quotation marks": _in_marks,
    "in Chinese quotation marks": _in_marks_of_chinese,
    "in a block": _in_block,
    "as code": _in_code,
    "as it stands": _as_it_stands,
}
"""Ways to quote an answer; to repeat the prompt with its fences is one more: REPEATED."""

REPEATED = "with its fences"
MANNERS = (REPEATED, *QUOTING)


def quoted(prompt: str, manner: str | None = None) -> str:
    """Every answer of the prompt, quoted in this manner; None is another one from prompt to prompt."""
    manner = manner or MANNERS[zlib.crc32(prompt.encode()) % len(MANNERS)]
    if manner == REPEATED:
        return f"I was shown this:\n\n{prompt}\n\nI have checked that."
    return "\n\n".join(QUOTING[manner](answer) for answer in seen(prompt).answers)


# What a judge says last


def _letter(answers: Sequence[str], *, better: str = "[[§]]", even: str = "[[C]]") -> str:
    first, second = map(is_right, answers)
    if first == second:
        return even
    return better.replace("§", "A" if first else "B").replace("¤", "B" if first else "A")


def _much_better(answers: Sequence[str]) -> str:
    return _letter(answers, better="[[§>>¤]]", even="[[A=B]]")


def _letter_in_json(answers: Sequence[str]) -> str:
    return _letter(answers, better='{"verdict": "§"}', even='{"verdict": "C"}')


def _mark(answers: Sequence[str]) -> str:
    return "[[8]]" if is_right(answers[0]) else "[[3]]"


def _mark_in_json(answers: Sequence[str]) -> str:
    return '{"score": 8}' if is_right(answers[0]) else '{"score": 3}'


def _marks(answers: Sequence[str]) -> str:
    marks = (8, 7, 9, 6) if is_right(answers[0]) else (2, 3, 5, 6)
    return json.dumps(dict(zip([item.key for item in SINGLE.dimensions], marks, strict=True)))


def _points(answers: Sequence[str]) -> str:
    """The faults and merits; what is quoted is the whole answer, whatever it says."""
    found = {"key": "right_number" if is_right(answers[0]) else "wrong_fact", "quote": answers[0], "reason": "Checked."}
    lists = ("bonuses", "deductions") if is_right(answers[0]) else ("deductions", "bonuses")
    return json.dumps({lists[0]: [found], lists[1]: []}, ensure_ascii=False)


# The kinds of verdict

PAIR, SINGLE = default_rubric("pair"), default_rubric("single")
BARE = RubricText("bare", {"en": "Facts first.", "zh": "事实第一。"})
COUNTED = replace(
    BARE,
    name="counted",
    points=Points(
        base=5,
        deductions=(
            PointKind("wrong_fact", 2, {"en": "Wrong fact", "zh": "事实错误"}, most=4),
            PointKind("made_up", 3, {"en": "Made up", "zh": "编造"}),
        ),
        bonuses=(PointKind("right_number", 3, {"en": "Right number", "zh": "数字正确"}),),
    ),
)


@dataclass(frozen=True)
class Kind:
    """One kind of verdict: the rubric, the options of the judge, and how its rule puts a verdict on answers into words."""

    rubric: RubricText
    says: Callable[[Sequence[str]], str]
    is_pair: bool = True
    options: Mapping[str, Any] | None = None


KINDS: Mapping[str, Kind] = {
    "pair": Kind(PAIR, _letter),
    "five": Kind(PAIR, _much_better, options={"scale": "five"}),
    "pair as JSON": Kind(PAIR, _letter_in_json, options={"schema_bound": True}),
    "score": Kind(BARE, _mark, is_pair=False),
    "score as JSON": Kind(BARE, _mark_in_json, is_pair=False, options={"schema_bound": True}),
    "dimensions": Kind(SINGLE, _marks, is_pair=False),
    "points": Kind(COUNTED, _points, is_pair=False),
}


# The judges


def decided(kind: Kind, manner: str | None = None) -> Says:
    """A judge that quotes every answer in this manner (see `quoted`) and ends with its verdict."""

    def says(messages: Sequence[Mapping[str, str]]) -> str:
        prompt = asked(messages)
        return f"{quoted(prompt, manner)}\n\nSo my verdict is:\n{kind.says(seen(prompt).answers)}"

    return says


def undecided(kind: Kind, manner: str | None = None, *, mends: bool) -> Says:
    """A judge that quotes the answers and says no more; where it `mends`, it gives its verdict when asked again."""

    def says(messages: Sequence[Mapping[str, str]]) -> str:
        prompt = asked(messages)
        if mends and len(messages) > 2:
            return kind.says(seen(prompt).answers)
        return quoted(prompt, manner).removesuffix("I have checked that.").removesuffix("我核对过了。")

    return says


def asked(messages: Sequence[Mapping[str, str]]) -> str:
    """The prompt with the exhibit: the first message of a user."""
    return next(message["content"] for message in messages if message["role"] == "user")


@contextlib.contextmanager
def serve(says: Says) -> Iterator[tuple[str, list[Sequence[Mapping[str, str]]]]]:
    """An HTTP server over which this judge is asked; its base URL, and the conversations it has seen so far."""
    conversations: list[Sequence[Mapping[str, str]]] = []

    async def app(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        body = json.loads(await openai_server.read_body(receive))
        conversations.append(body["messages"])
        message = {"role": "assistant", "content": await asyncio.to_thread(says, body["messages"])}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        row = {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}
        await openai_server.send_json(send, 200, row)

    with openai_server.run_app(app) as address:
        yield f"{address}/v1", conversations
