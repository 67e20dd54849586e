"""EvalScope files: questions with `query`, and reviews of models by sample, those of its arena with the games played."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from arena.loading.arena_hard import SCORES
from arena.loading.records import (
    JUDGMENTS,
    UNSTATED,
    AnswerRecord,
    Batch,
    GradeRecord,
    ModelRecord,
    QuestionRecord,
    Report,
    Row,
    VoteRecord,
    is_left_out,
    rows_of,
)

LOWEST, HIGHEST = 0.0, 1.0
QUESTION_FIELDS = {"query", "response", "system", "category"}


def read(files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str) -> Batch:
    """Questions, and reviews of the model that their folder names: its answers, its marks and its games."""
    batch = Batch()
    known: set[str] = set()
    for path in files:
        for number, row in enumerate(rows_of(path, report), start=1):
            if "sample_score" in row.values:
                _review(row, batch, known, kinds, model or ModelRecord(path.parent.name), language)
            else:
                batch.questions.append(_question(row, f"{path.stem}-{number}", language))
    return batch


def _question(row: Row, key: str, language: str) -> QuestionRecord:
    reference = row.text("response", required=False)
    meta = {name: value for name, value in row.values.items() if name not in QUESTION_FIELDS}
    return QuestionRecord(
        row, key, row.text("category", required=False) or UNSTATED, [row.text("query")], language,
        system=row.text("system", required=False), reference=[reference] if reference else [], meta=meta,
    )  # fmt: skip


def _review(row: Row, batch: Batch, known: set[str], kinds: Sequence[str], model: ModelRecord, language: str) -> None:
    """One sample of one model: the question it was asked, what it answered, and what was thought of it."""
    key = f"{row.file.stem}-{row.key('index')}"
    turns, system = _asked(row)
    score = row.take("sample_score", dict, default={}).get("score")
    if not isinstance(score, dict):
        row.problem("sample_score.score", "is missing or is not an object")
        return
    if key not in known:
        known.add(key)
        batch.questions.append(QuestionRecord(row, key, row.file.stem, turns, language, system=system, implied=True))
    answer = score.get("prediction")
    if isinstance(answer, str):
        batch.answers.append(AnswerRecord(row, key, model, [answer], may_be_empty=True, implied=True))
    if is_left_out(row, JUDGMENTS, kinds):
        return
    metadata = score.get("metadata") if isinstance(score.get("metadata"), dict) else {}
    if "battle_result" in metadata:
        votes = list(_games(row, key, metadata["battle_result"]))
        batch.votes += votes
        for vote in votes[:1]:
            batch.imply_answers(vote)
        return
    for grade in _marks(row, key, score, model):
        batch.grades.append(grade)
        batch.imply_answers(grade)


def _asked(row: Row) -> tuple[list[str], str]:
    """The user's turns and the system prompt."""
    messages = [one for one in row.take("messages", list, default=[]) if isinstance(one, dict)]
    said = [one.get("content") for one in messages if one.get("role") == "user"]
    system = next((one.get("content") for one in messages if one.get("role") == "system"), "")
    if not said or not all(isinstance(text, str) and text.strip() for text in said):
        row.problem("messages", "holds no text of a user")
        return [], ""
    return [text.strip() for text in said], system if isinstance(system, str) else ""


def _games(row: Row, key: str, result: Any) -> Iterator[VoteRecord]:
    """The games between this model and the baseline, each in its own order."""
    games = result.get("games") if isinstance(result, dict) else None
    if not isinstance(games, list) or not games:
        row.problem("sample_score.score.metadata.battle_result.games", "is missing or is not a list")
        return
    for number, game in enumerate(games):
        place = f"sample_score.score.metadata.battle_result.games[{number}]"
        told: Mapping[str, Any] = game if isinstance(game, dict) else {}
        shown = [told.get(name) for name in ("model_a", "model_b")]
        label = told.get("judgment")
        if not all(isinstance(name, str) and name for name in shown) or shown[0] == shown[1]:
            row.problem(place, "does not name two models (model_a, model_b)")
        elif label is not None and label not in SCORES:
            row.problem(f"{place}.judgment", f"is {label!r}, not one of {', '.join(SCORES)}")
        else:
            yield VoteRecord(
                row, key, *shown, None if label is None else SCORES[label], _judge(row), is_person=False,
                both_ways=len(games) == 2, told_in=f"{place}.judgment",
                status="parse_error" if label is None else "ok",
                error="the file has no verdict for this game" if label is None else "",
            )  # fmt: skip


def _marks(row: Row, key: str, score: Mapping[str, Any], model: ModelRecord) -> Iterator[GradeRecord]:
    """The marks of a review, a judge for each metric; shares from 0 to 1."""
    values = score.get("value")
    for metric, value in values.items() if isinstance(values, dict) else ():
        place = f"sample_score.score.value.{metric}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            row.problem(place, "is not a number")
        elif not LOWEST <= value <= HIGHEST:
            row.problem(place, f"is {value:g}, not from {LOWEST:g} to {HIGHEST:g}")
        else:
            yield GradeRecord(
                row, key, model.name, float(value), f"EvalScope {metric}", is_person=False, lowest=LOWEST,
                highest=HIGHEST, version=model.version, told_in=place,
            )  # fmt: skip


def _judge(row: Row) -> str:
    """Who judged, as the summary says; all of them by name where there are several."""
    summary = row.values["sample_score"]["score"].get("judge_summary")
    names = summary.get("judge_models") if isinstance(summary, dict) else None
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return " + ".join(known) or "EvalScope judge"
