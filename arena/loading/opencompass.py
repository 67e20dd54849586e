"""OpenCompass's subjective files: lists of questions, and results of judges by number."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
from arena.loading.rows import row_of, text_of

JUDGED_BY = "_judged-by--"
VALUES = {"A>>B": 2.0, "A>B": 1.0, "A": 1.0, "A=B": 0.0, "B=A": 0.0, "C": 0.0, "B>A": -1.0, "B": -1.0, "B>>A": -2.0,
          "A<<B": -2.0, "A<B": -1.0, "B<A": 1.0, "B<<A": 2.0}  # fmt: skip
VERDICT = re.compile(r"\[\[\s*([AB](?:\s*(?:>>|<<|>|<|=)\s*[AB])?|C)\s*\]\]|选择[:：]\s*\[*([ABC])\b")
MARK = re.compile(r"\[\[\s*(\d+(?:\.\d+)?)\s*\]\]|['\"]?(?:综合得分|Overall Score)['\"]?\s*[:：]\s*(\d+(?:\.\d+)?)")
LOWEST, HIGHEST = 1.0, 10.0


def read(files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str) -> Batch:
    """Questions from lists, verdicts from the folders `<models>_judged-by--<judge>`.

    A judge's reply is kept; its verdict is the last `[[A]]`, `[[A>>B]]` …, `选择：A` or `[[8]]` in it, and a reply without one is a failure.
    """
    batch = Batch()
    for path in files:
        if JUDGED_BY in str(path):
            _results(path, report, batch, kinds, model)
            continue
        for number, row in enumerate(objects_of(path, report), start=1):
            if not is_left_out(row, QUESTIONS, kinds):
                batch.questions.append(_question(row, f"{path.stem}-{number}", language))
    return batch


def _question(row: Row, key: str, language: str) -> QuestionRecord:
    """A question stands as text, in an object, or as the user's turns of a dialogue."""
    for name in ("question", "dialogue", "conversation"):
        if name in row.values:
            turns = _turns(row, name)
            break
    else:
        row.problem("question", "is missing (question, dialogue or conversation)")
        turns = []
    category = row.text("capability", required=False) or row.text("category", required=False) or UNSTATED
    meta = {name: row.values[name] for name in ("others", "difficulty") if name in row.values}
    return QuestionRecord(row, key, category, turns, language, meta=meta)


def _turns(row: Row, name: str) -> list[str]:
    value = row.values[name]
    if isinstance(value, dict):
        value = value.get("content")
    if isinstance(value, list):
        said = [one.get("content") for one in value if isinstance(one, dict) and one.get("role") in ("user", "human")]
    else:
        said = [value]
    if not said or not all(isinstance(text, str) and text.strip() for text in said):
        row.problem(name, "holds no text of a user")
        return []
    return [text.strip() for text in said]


# Judgments


def _results(path: Path, report: Report, batch: Batch, kinds: Sequence[str], model: ModelRecord | None) -> None:
    """The results of one judge on one dataset: an object of objects, by number."""
    folder = next(part for part in reversed(path.parts) if JUDGED_BY in part)
    models, _, judge = folder.removesuffix(".json").partition(JUDGED_BY)
    text = text_of(path, report)
    if text is None:
        return
    top = row_of(_json(text), text, Row(path, 1, {}, report))
    for item, (number, value) in enumerate(top.values.items() if top else (), start=1):
        row = row_of(value, "", Row(path, 1, {}, report, item))
        if row is None or is_left_out(row, JUDGMENTS, kinds):
            continue
        key = f"{path.stem}-{int(number) + 1}" if number.isdecimal() else f"{path.stem}-{number}"
        _verdict(row, key, models, judge, batch, model)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # row_of says that it is no object


def _verdict(row: Row, key: str, models: str, judge: str, batch: Batch, model: ModelRecord | None) -> None:
    reply, gold = row.take("prediction", str, default=""), row.take("gold", dict, default={})
    batch.questions.append(_told(row, key, gold))
    shown = [gold.get(name) for name in ("answer1", "answer2")]
    record: VoteRecord | GradeRecord
    if all(isinstance(name, str) and name for name in shown) and shown[0] != shown[1]:
        value = _last(VERDICT, reply)
        record = VoteRecord(
            row,
            key,
            *shown,
            None if value is None else VALUES[re.sub(r"\s", "", value)],
            judge,
            is_person=False,
            reply=reply,
            told_in="prediction",
            **_failure(value),
        )
        batch.votes.append(record)
    else:
        mark = _last(MARK, reply)
        score = None if mark is None else float(mark)
        if score is not None and not LOWEST <= score <= HIGHEST:
            score = None
        name = model.name if model else models
        record = GradeRecord(
            row, key, name, score, judge, is_person=False, lowest=LOWEST, highest=HIGHEST, reply=reply,
            told_in="prediction", **_failure(score),
        )  # fmt: skip
        batch.grades.append(record)
    batch.imply_answers(record)


def _told(row: Row, key: str, gold: Mapping[str, Any]) -> QuestionRecord:
    """The question that a result is about, as far as it tells: its text, or only that there was one."""
    asked = gold.get("question")
    category = gold.get("capability") or gold.get("category")
    has_text = isinstance(asked, str) and bool(asked.strip())
    turns = [asked.strip()] if has_text else [f"{key} (its text is not in the file)"]
    name = category if isinstance(category, str) and category.strip() else UNSTATED
    return QuestionRecord(row, key, name, turns, implied=True, published=has_text)


def _last(pattern: re.Pattern[str], reply: str) -> str | None:
    """What the last match says; None without one."""
    matches = list(pattern.finditer(reply))
    return next(filter(None, matches[-1].groups()), None) if matches else None


def _failure(value: object) -> dict[str, str]:
    return {"status": "parse_error", "error": "the reply holds no verdict"} if value is None else {}
