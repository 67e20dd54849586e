"""OpenCompass's subjective files: lists of questions, and results of judges by number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from arena.loading.naming import Naming, unknown
from arena.loading.records import (
    JUDGMENTS,
    QUESTIONS,
    UNSTATED,
    Batch,
    GradeRecord,
    ModelRecord,
    QuestionRecord,
    Report,
    Row,
    VoteRecord,
    is_left_out,
    objects_of,
)
from arena.loading.rows import ending_of, object_of, plain_text, row_of, text_of
from arena.loading.said import said as _

JUDGED_BY = "_judged-by--"
VALUES = {"A>>B": 2.0, "A>B": 1.0, "A": 1.0, "A=B": 0.0, "B=A": 0.0, "C": 0.0, "B>A": -1.0, "B": -1.0, "B>>A": -2.0,
          "A<<B": -2.0, "A<B": -1.0, "B<A": 1.0, "B<<A": 2.0}  # fmt: skip
VERDICT = re.compile(
    r"\[\[\s*([AB](?:\s*(?:>>|<<|>|<|=)\s*[AB])?|C)\s*\]\]|(?:选择|\bChoice)\s*[:：]\s*\[*([ABC])(?![A-Za-z])"
)
MARK = re.compile(
    r"\[\[\s*(\d+(?:\.\d+)?)\s*分?\s*\]\]|['\"]?(?:综合得分|Overall Score)['\"]?\s*[:：]\s*(\d+(?:\.\d+)?)"
)
TEN = (1.0, 10.0)
FIVE = (0.0, 5.0)
FIVE_ASKED = re.compile(r"\[\[\s*\d+\s*分\s*\]\]")
"""How marks of CompassArena look, which are asked for from 0 to 5."""


@dataclass(frozen=True)
class Judged:
    """What is told of a file of results: whose answers ("" where that is not said) were judged by whom, on which scale."""

    part: str
    models: str
    judge: str
    scale: tuple[float, float]


def read(
    files: list[Path],
    report: Report,
    *,
    kinds: Sequence[str],
    model: ModelRecord | None,
    language: str,
    naming: Naming,
) -> Batch:
    """Questions from lists, verdicts from the folders `<models>_judged-by--<judge>`, or from any other object of objects.

    A judge's reply is kept; its verdict is the last `[[A]]`, `[[A>>B]]` …, `选择：A`, `Choice: A`, `[[8]]` or `[[3分]]` in
    it, and a reply without one is a failure.
    """
    batch = Batch()
    for path in files:
        part = naming.subset or naming.stem(path)
        folder = next((told for told in reversed((*naming.folders(path), naming.name(path))) if JUDGED_BY in told), "")
        if folder or _is_object(path):
            models, _, judge = folder.removesuffix(".gz").removesuffix(".json").partition(JUDGED_BY)
            judged = Judged(part, model.name if model else models, naming.judge or judge, TEN)
            _results(path, report, batch, kinds, judged)
            continue
        for number, row in enumerate(objects_of(path, report), start=1):
            if not is_left_out(row, QUESTIONS, kinds):
                batch.questions.append(_question(row, f"{part}-{number}", language))
    return batch


def _is_object(path: Path) -> bool:
    """Whether the file is one JSON object of objects with replies: results, wherever they lie."""
    try:
        text = (text_of(path, Report()) if ending_of(path) == ".json" else "") or ""
        told = json.loads(text) if text.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and any(isinstance(one, dict) and "prediction" in one for one in told.values())


def _question(row: Row, key: str, language: str) -> QuestionRecord:
    """A question stands as text, in an object, or as the user's turns of a dialogue."""
    for name in ("question", "dialogue", "conversation"):
        if name in row.values:
            turns = _turns(row, name)
            break
    else:
        row.problem("question", _("is missing (question, dialogue or conversation)"))
        turns = []
    category = row.text("capability", required=False) or row.text("category", required=False) or UNSTATED
    meta = {name: row.values[name] for name in ("others", "difficulty") if name in row.values}
    return QuestionRecord(row, key, category, turns, language, meta=meta)


def _turns(row: Row, name: str) -> list[str]:
    value = row.values[name]
    if isinstance(value, dict):
        value = value.get("content")
    if isinstance(value, list):
        messages = [one for one in value if isinstance(one, dict) and one.get("role") in ("user", "human")]
        said = [plain_text(one.get("content")) for one in messages]
    else:
        said = [value]
    if not said or not all(isinstance(text, str) and text.strip() for text in said):
        row.problem(name, _("holds no text of a user"))
        return []
    return [text.strip() for text in said]


# Judgments


def _results(path: Path, report: Report, batch: Batch, kinds: Sequence[str], judged: Judged) -> None:
    """The results of one judge on one dataset: an object of objects, by number."""
    top = object_of(path, report)
    if top is None:
        return
    if not judged.judge and JUDGMENTS in kinds:
        top.problem("judge", unknown(_("who judged"), "judge", _("Who judged")))
        return
    rows = [
        row_of(value, "", Row(path, 1, {}, report, item)) for item, value in enumerate(top.values.values(), start=1)
    ]
    half = _half(rows)
    if any(FIVE_ASKED.search(reply) for reply in _replies(rows)):
        judged = replace(judged, scale=FIVE)
    for number, row in zip(top.values, rows, strict=True):
        if row is not None and not is_left_out(row, JUDGMENTS, kinds):
            _verdict(row, _key(number, judged.part, half), judged, batch, both_ways=bool(half))


def _replies(rows: Sequence[Row | None]) -> Iterator[str]:
    for row in rows:
        if row is not None and isinstance(row.values.get("prediction"), str):
            yield row.values["prediction"]


def _key(number: str, part: str, half: int) -> str:
    """The key of the question that a result's number stands for; numbers from `half` on count anew."""
    if not (number.isdecimal() and len(number) < 10):
        return f"{part}-{number}"
    return f"{part}-{(int(number) % half if half else int(number)) + 1}"


def _half(rows: Sequence[Row | None]) -> int:
    """How many questions there are where each was judged in both orders (`infer_order: double`), else 0.

    All of them come in one order first, then all in the other.
    """
    shown = [_shown(row) if row else None for row in rows]
    half = len(shown) // 2
    is_double = bool(shown) and len(shown) == 2 * half and shown[0] is not None and shown[0][0] != shown[0][1]
    if not is_double or set(shown[:half]) != {shown[0]} or set(shown[half:]) != {shown[0][::-1]}:
        return 0
    asked = [_gold(row).get("question") for row in rows]
    return half if asked[:half] == asked[half:] else 0


def _gold(row: Row) -> Mapping[str, Any]:
    gold = row.values.get("gold")
    return gold if isinstance(gold, dict) else {}


def _shown(row: Row) -> tuple[str, str] | None:
    """The two models that were shown, in their order; None where one was marked alone."""
    names = tuple(_gold(row).get(name) for name in ("answer1", "answer2"))
    is_pair = all(isinstance(name, str) and name for name in names) and names[0] != names[1]
    return names if is_pair else None


def _verdict(row: Row, key: str, judged: Judged, batch: Batch, *, both_ways: bool) -> None:
    reply, gold = row.take("prediction", str, default=""), row.take("gold", dict, default={})
    batch.questions.append(_told(row, key, gold))
    shown = _shown(row)
    record: VoteRecord | GradeRecord
    if shown:
        value = _last(VERDICT, reply)
        record = VoteRecord(
            row,
            key,
            *shown,
            None if value is None else VALUES[re.sub(r"\s", "", value)],
            judged.judge,
            is_person=False,
            both_ways=both_ways,
            reply=reply,
            told_in="prediction",
            **_failure(value),
        )
        batch.votes.append(record)
    elif not judged.models:
        row.problem("model", unknown(_("who answered"), "model", _("Who answered")))
        return
    else:
        mark, (lowest, highest) = _last(MARK, reply), judged.scale
        score = None if mark is None or not lowest <= float(mark) <= highest else float(mark)
        record = GradeRecord(
            row, key, judged.models, score, judged.judge, is_person=False, lowest=lowest, highest=highest, reply=reply,
            told_in="prediction", **_failure(score),
        )  # fmt: skip
        batch.grades.append(record)
    batch.imply_answers(record)


def _told(row: Row, key: str, gold: Mapping[str, Any]) -> QuestionRecord:
    """The question that a result is about, as far as it tells: its text, or only that there was one."""
    asked = gold.get("question")
    asked = asked.get("content") if isinstance(asked, dict) else asked
    category = gold.get("capability") or gold.get("category")
    has_text = isinstance(asked, str) and bool(asked.strip())
    turns = [asked.strip()] if has_text else [f"{key} (its text is not in the file)"]
    name = category.strip() if isinstance(category, str) and category.strip() else UNSTATED
    meta = {} if has_text else {"published": False}
    return QuestionRecord(row, key, name, turns, meta=meta, implied=True, published=has_text)


def _last(pattern: re.Pattern[str], reply: str) -> str | None:
    """What the last match says; None without one."""
    matches = list(pattern.finditer(reply))
    return next(filter(None, matches[-1].groups()), None) if matches else None


def _failure(value: object) -> dict[str, str]:
    return {"status": "parse_error", "error": "the reply holds no verdict"} if value is None else {}
