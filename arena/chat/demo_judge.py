"""The demo's judge: reads the prompt any judge gets, and marks the answers from the demo's notes.

It finds the fenced answers in the rendered prompt, looks each up by its text in `marks.jsonl`, and words
a reply in the prompt's language that ends with the verdict in the form asked for. An answer it has no
note on gets no verdict.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import mean
from typing import Any

from arena.chat.base import ChatError, Message

DEMO = Path(__file__).resolve().parents[2] / "fixtures" / "demo"
# The scale of the notes. A prompt that names another scale gets marks moved to that one.
LOWEST, HIGHEST = 1.0, 10.0
# Characters at which an answer judged alone is neither short nor long.
USUAL_LENGTH = 400
# A preference of more marks than this is told as "much better" where the prompt offers that.
MUCH = 3.0
# Scales at least this wide are marked in whole numbers.
WHOLE_FROM = 4

_END = re.compile(r"<<<END ANSWER(?: [AB])? ([0-9a-f]{8,})>>>")
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_SCALE = re.compile(
    rf"<{_NUMBER}-{_NUMBER}>|{_NUMBER} ?[(（](?:worst|最差)[)）] ?(?:to|到) ?{_NUMBER} ?[(（](?:best|最好)[)）]"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_WORDS = {
    "en": {
        "unknown": "I have no notes on this answer, so I cannot judge it.",
        "A": "Answer A is better: {a:.1f} against {b:.1f} in my notes.",
        "B": "Answer B is better: {b:.1f} against {a:.1f} in my notes.",
        "C": "The two are about as good: {a:.1f} and {b:.1f} in my notes.",
        "mark": "My notes on this answer say {a:.1f}.",
    },
    "zh": {
        "unknown": "我没有关于这个回答的笔记，无法评判。",
        "A": "回答 A 更好：我的笔记里是 {a:.1f} 分对 {b:.1f} 分。",
        "B": "回答 B 更好：我的笔记里是 {b:.1f} 分对 {a:.1f} 分。",
        "C": "两个回答不相上下：我的笔记里是 {a:.1f} 分和 {b:.1f} 分。",
        "mark": "我的笔记给这个回答 {a:.1f} 分。",
    },
}


@dataclass(frozen=True, slots=True)
class Task:
    """What a judge's prompt asks: one or two answers, in the order shown, and the instructions after them."""

    prompt: str
    answers: tuple[str, ...]
    instructions: str

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and the highest mark, as the instructions say; else the notes' own scale."""
        found = _SCALE.search(self.instructions)
        if found is None:
            return LOWEST, HIGHEST
        lowest, highest = (float(number) for number in found.groups() if number is not None)
        return lowest, highest

    @property
    def language(self) -> str:
        return "zh" if _HAN.search(self.instructions) else "en"


@dataclass(frozen=True, slots=True)
class Leaning:
    """How the judge departs from its notes, in marks.

    `lean_first` for being shown first; `lean_length` per natural logarithm of the ratio of lengths;
    `noise` is the standard deviation of an error fixed by seed and texts, the same in both orders. Two
    answers less than `tie_band` apart are a tie.
    """

    lean_first: float = 0.0
    lean_length: float = 0.0
    noise: float = 0.0
    tie_band: float = 0.5
    seed: int = 0

    def difference(self, first: str, second: str, marks: tuple[float, float]) -> float:
        """How much better the first seems, in marks."""
        length = math.log(max(1, len(first)) / max(1, len(second)))
        lean = self.lean_first + self.lean_length * length
        return marks[0] - marks[1] + lean + self._noise_between(first, second)

    def score(self, answer: str, mark: float, *, scale: tuple[float, float], about: str = "") -> float:
        """The mark of an answer judged alone, whole where the scale has room for it; `about` names the dimension."""
        length = math.log(max(1, len(answer)) / USUAL_LENGTH)
        seen = mark + self.lean_length * length + self._error(digest(answer), about)
        share = min(1.0, max(0.0, (seen - LOWEST) / (HIGHEST - LOWEST)))
        lowest, highest = scale
        moved = lowest + share * (highest - lowest)
        return round(moved) if highest - lowest >= WHOLE_FROM else round(moved, 2)

    def _noise_between(self, first: str, second: str) -> float:
        one, two = digest(first), digest(second)
        if one == two:
            return 0.0
        error = self._error(*sorted((one, two)))
        return error if one < two else -error

    def _error(self, *what: str) -> float:
        secret = hashlib.sha256(repr((self.seed, *what)).encode()).digest()
        return random.Random(secret).gauss(0.0, self.noise)


def judged_by_notes(
    messages: Sequence[Message], options: Mapping[str, Any], schema: Mapping[str, Any] | None, *, folder: Path
) -> str:
    """The reply to a judge's prompt; `options` are Leaning's, `folder` holds the demo's files.

    Raises ChatError (permanent) when the files cannot be read or the prompt shows no fenced answers.
    """
    task = read_task(messages)
    words = _WORDS[task.language]
    known_answers = notes(folder)
    marks = [known_answers.mark(answer, task.prompt) for answer in task.answers]
    known = [mark for mark in marks if mark is not None]
    if len(known) < len(marks):
        return words["unknown"]
    leaning = Leaning(**options)
    if len(known) == 2:
        return _pair_reply(task, (known[0], known[1]), leaning, schema)
    return _single_reply(task, known[0], leaning, schema)


def read_task(messages: Sequence[Message]) -> Task:
    """The task of the last user message that shows fenced answers; a repair turn after it changes nothing."""
    for message in reversed(messages):
        task = _read_prompt(message.content) if message.role == "user" else None
        if task is not None:
            return task
    raise ChatError("the prompt shows no answers between fences", transient=False)


def last_user_message(messages: Sequence[Message]) -> str:
    """The text of the last user message, or nothing."""
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


def _read_prompt(prompt: str) -> Task | None:
    """None without fences. An answer may forge fences, but the last one is the prompt's and tells the nonce."""
    ends = list(_END.finditer(prompt))
    if not ends:
        return None
    nonce = ends[-1].group(1)
    fence = re.compile(rf"<<<ANSWER((?: [AB])?) {nonce}>>>\n(.*?)\n?<<<END ANSWER\1 {nonce}>>>", re.DOTALL)
    found = sorted((slot or "", text) for slot, text in fence.findall(prompt))
    if len(found) not in (1, 2):
        return None
    return Task(prompt, tuple(text for _, text in found), prompt[ends[-1].end() :])


def _pair_reply(task: Task, marks: tuple[float, float], leaning: Leaning, schema: Mapping[str, Any] | None) -> str:
    difference = leaning.difference(task.answers[0], task.answers[1], marks)
    if abs(difference) < leaning.tie_band or difference == 0:
        letter = "C"
    else:
        letter = "A" if difference > 0 else "B"
    reason = _WORDS[task.language][letter].format(a=marks[0], b=marks[1])
    graded = _graded(letter, difference)
    if schema is not None:
        letters = [letter, graded, letter_of_two(letter)]
        return json.dumps(_fitting(schema, letters, lambda about: difference, reason), ensure_ascii=False)
    if "[[A>>B]]" in task.instructions:
        return f"{reason}\n\n[[{graded}]]"
    return f"{reason}\n\n[[{letter}]]"


def letter_of_two(letter: str) -> str:
    """The letter as a comparison: "A>B", "B>A" or "A=B"."""
    return {"A": "A>B", "B": "B>A", "C": "A=B"}[letter]


def _graded(letter: str, difference: float) -> str:
    plain = letter_of_two(letter)
    return plain.replace(">", ">>") if abs(difference) >= MUCH else plain


def _single_reply(task: Task, mark: float, leaning: Leaning, schema: Mapping[str, Any] | None) -> str:
    reason = _WORDS[task.language]["mark"].format(a=mark)

    def score(about: str = "") -> float:
        return leaning.score(task.answers[0], mark, scale=task.scale, about=about)

    if schema is not None:
        return json.dumps(_fitting(schema, [], score, reason), ensure_ascii=False)
    shape = _shape(task.instructions)
    if shape is None:
        return f"{reason}\n\n[[{score():g}]]"
    return f"{reason}\n\n{json.dumps(_marked(shape, score, reason), ensure_ascii=False)}"


def _shape(instructions: str) -> dict[str, Any] | None:
    """The last JSON object the instructions show as the form of a reply, or None."""
    shapes = [shape for start in re.finditer(r"\{", instructions) if (shape := _object_at(instructions, start.start()))]
    if shapes:
        return max(shapes, key=lambda shape: len(json.dumps(shape)))
    # Not quite JSON: {"clarity": <1-10>, …}
    loose = re.findall(r"\{[^{}]*\}", instructions)
    keys = re.findall(r'"([^"]+)"\s*[:：]', loose[-1]) if loose else []
    return {key: "" if key in ("reason", "explanation", "comment") else 0 for key in keys} or None


def _object_at(text: str, start: int) -> dict[str, Any] | None:
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _marked(shape: Mapping[str, Any], score: Callable[[str], float], reason: str) -> dict[str, Any]:
    """The shape with a mark where it has a number, the reason where it has words."""
    filled: dict[str, Any] = {}
    for key, value in shape.items():
        if isinstance(value, Mapping):
            filled[key] = _marked(value, score, reason)
        else:
            filled[key] = reason if isinstance(value, str) else score(key)
    return filled


def _fitting(
    schema: Mapping[str, Any], letters: Sequence[str], score: Callable[[str], float], reason: str, key: str = ""
) -> Any:
    """A value that fits a JSON schema: a letter or a mark where it fits, the reason where words are wanted.

    Raises ChatError (permanent) for a schema that leaves no room for the verdict.
    """
    if "enum" in schema:
        fits = [value for value in (*letters, score(key)) if value in schema["enum"]]
        if not fits:
            raise ChatError(f"no verdict of mine is among {schema['enum']}", transient=False)
        return fits[0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {name: _fitting(part, letters, score, reason, name) for name, part in schema["properties"].items()}
    if kind == "array":
        return []
    return score(key) if kind in ("integer", "number") else reason


# --- the notes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notes:
    """Marks by the digest of an answer; each with the question it was given to."""

    by_answer: Mapping[str, Sequence[tuple[str, float]]]

    def mark(self, answer: str, prompt: str) -> float | None:
        """The answer's mark, or None if there is none or the prompt does not tell which.

        The same words may answer several questions; then the one whose text the prompt shows counts.
        Several models may have given the same words to one question; a judge sees no model, so it is the mean.
        """
        rows = self.by_answer.get(digest(answer), ())
        questions = {question for question, _ in rows}
        if len(questions) > 1:
            questions = {question for question in questions if question in prompt}
        if len(questions) != 1:
            return None
        return mean(mark for question, mark in rows if question in questions)


def digest(answer: str) -> str:
    """The SHA-256 of an answer's words; white space makes no difference."""
    return hashlib.sha256(" ".join(answer.split()).encode()).hexdigest()


def joined_turns(turns: Sequence[str]) -> str:
    """An answer as it stands in its fence: bare, or its turns one after the other with a number each."""
    if len(turns) == 1:
        return turns[0]
    return "\n\n".join(f"[turn {number}]\n{turn}" for number, turn in enumerate(turns, 1))


def notes(folder: Path) -> Notes:
    """The notes of a folder with `questions.jsonl`, `answers.jsonl` and `marks.jsonl`, read when they change."""
    try:
        changed = tuple((folder / f"{name}.jsonl").stat().st_mtime_ns for name in ("questions", "answers", "marks"))
        return _read_notes(folder, changed)
    except (OSError, KeyError, ValueError) as exc:
        raise ChatError(f"the demo's notes cannot be read: {exc}", transient=False) from None


@lru_cache(maxsize=4)
def _read_notes(folder: Path, changed: tuple[int, ...]) -> Notes:
    questions = {row["key"]: row["turns"][0] for row in _rows(folder / "questions.jsonl")}
    marks = {(row["question"], row["model"]): float(row["mark"]) for row in _rows(folder / "marks.jsonl")}
    by_answer: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in _rows(folder / "answers.jsonl"):
        mark = marks.get((row["question"], row["model"]))
        if mark is not None:
            by_answer[digest(joined_turns(row["turns"]))].append((questions[row["question"]], mark))
    return Notes(dict(by_answer))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)
