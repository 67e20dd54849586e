"""EvalScope files: questions with `query`, and reviews of models by sample, those of its arena with the games played."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arena.loading.arena_hard import SCORES
from arena.loading.naming import Naming, unknown
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
from arena.loading.rows import plain_text, short
from arena.loading.said import said as _

LOWEST, HIGHEST = 0.0, 1.0
QUESTION_FIELDS = {"query", "response", "system", "category"}
USABLE = ("ok", "success", "degraded")
SCORE = "sample_score.score"
PREDICTIONS = _("predictions are left out: the reviews beside them have the same answers with what was thought of them")


@dataclass(frozen=True)
class Reviewed:
    """What the place of a file of reviews tells: the part of the benchmark, who answered, and the metrics that its rows have."""

    part: str
    model: ModelRecord | None
    metrics: tuple[str, ...]


def read(
    files: list[Path],
    report: Report,
    *,
    kinds: Sequence[str],
    model: ModelRecord | None,
    language: str,
    naming: Naming,
) -> Batch:
    """Questions, and reviews of the model that their folder names: its answers, its marks and its games."""
    batch = Batch()
    known: set[str] = set()
    for path in files:
        rows = list(rows_of(path, report))
        part = naming.subset or naming.stem(path).partition("@")[0]  # after the @ the arena names the two models
        folder = naming.folders(path)[-1:]
        reviewed = Reviewed(part, model or (ModelRecord(folder[0]) if folder else None), _metrics(rows))
        for number, row in enumerate(rows, start=1):
            if "sample_score" in row.values:
                _review(row, batch, known, kinds, reviewed, language)
            elif "model_output" in row.values:
                report.counts["predictions left out"] += 1
                report.note(PREDICTIONS)
            else:
                batch.questions.append(_question(row, f"{part}-{number}", language))
    return batch


def _metrics(rows: Sequence[Row]) -> tuple[str, ...]:
    """The metrics that any of these reviews has a value of, in their order."""
    names: dict[str, None] = {}
    for row in rows:
        value = _object(_object(_object(row.values, "sample_score"), "score"), "value")
        names.update(dict.fromkeys(value))
    return tuple(names)


def _object(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object in this field; an empty one where there is none."""
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def _question(row: Row, key: str, language: str) -> QuestionRecord:
    reference = row.text("response", required=False)
    meta = {name: value for name, value in row.values.items() if name not in QUESTION_FIELDS}
    return QuestionRecord(
        row, key, row.text("category", required=False) or UNSTATED, [row.text("query")], language,
        system=row.text("system", required=False), reference=[reference] if reference else [], meta=meta,
    )  # fmt: skip


def _review(row: Row, batch: Batch, known: set[str], kinds: Sequence[str], reviewed: Reviewed, language: str) -> None:
    """One sample of one model: the question it was asked, what it answered, and what was thought of it."""
    key = f"{reviewed.part}-{row.key('index')}"
    turns, system = _asked(row)
    score = row.take("sample_score", dict, default={}).get("score")
    if not isinstance(score, dict):
        row.problem(SCORE, _("is missing or is not an object"))
        return
    if key not in known:
        known.add(key)
        batch.questions.append(QuestionRecord(row, key, reviewed.part, turns, language, system=system, implied=True))
    sides = _sides(row, score)
    if sides:
        _battle(row, key, score, sides, batch, kinds)
        return
    if reviewed.model is None:
        row.problem("model", unknown(_("who answered"), "model", _("Who answered")))
        return
    answer = score.get("prediction")
    if isinstance(answer, str):
        batch.answers.append(AnswerRecord(row, key, reviewed.model, [answer], may_be_empty=True, implied=True))
    if is_left_out(row, JUDGMENTS, kinds):
        return
    for grade in _marks(row, key, score, reviewed):
        batch.grades.append(grade)
        batch.imply_answers(grade)


def _asked(row: Row) -> tuple[list[str], str]:
    """The user's turns and the system prompt."""
    messages = [one for one in row.take("messages", list, default=[]) if isinstance(one, dict)]
    said = [plain_text(one.get("content")) for one in messages if one.get("role") == "user"]
    system = next((plain_text(one.get("content")) for one in messages if one.get("role") == "system"), "")
    if not said or not all(isinstance(text, str) and text.strip() for text in said):
        row.problem("messages", _("holds no text of a user"))
        return [], ""
    return [text.strip() for text in said], system or ""


# The arena


def _sides(row: Row, score: Mapping[str, Any]) -> tuple[str, str] | None:
    """The candidate and the baseline that a review of the arena is about; None where it is no such review."""
    games = _object(_object(score, "metadata"), "battle_result").get("games")
    first = games[0] if isinstance(games, list) and games and isinstance(games[0], dict) else {}
    told = _object(row.values["sample_score"], "sample_metadata")
    names = (told.get("model_1") or first.get("model_a"), told.get("model_2") or first.get("model_b"))
    is_battle = "battle_result" in _object(score, "metadata") or ("model_1" in told and "model_2" in told)
    return tuple(name if isinstance(name, str) else "" for name in names) if is_battle else None


def _battle(
    row: Row, key: str, score: Mapping[str, Any], sides: tuple[str, str], batch: Batch, kinds: Sequence[str]
) -> None:
    """Both answers as far as they are told, and the games between them."""
    told = _object(row.values["sample_score"], "sample_metadata")
    target = row.values.get("target")
    texts = (
        told.get("answer_1") or score.get("extracted_prediction") or score.get("prediction"),
        target[0] if isinstance(target, list) and len(target) == 1 else target,
    )
    for name, text in zip(sides, texts, strict=True):
        if name and isinstance(text, str) and text:
            batch.answers.append(AnswerRecord(row, key, ModelRecord(name), [text], may_be_empty=True, implied=True))
    if is_left_out(row, JUDGMENTS, kinds):
        return
    votes = list(_games(row, key, score, sides))
    batch.votes += votes
    for vote in votes[:1]:
        batch.imply_answers(vote)


def _games(row: Row, key: str, score: Mapping[str, Any], sides: tuple[str, str]) -> Iterator[VoteRecord]:
    """The games between the candidate and the baseline, each in its own order; those that failed, too."""
    failed = _why_failed(score)
    where = f"{SCORE}.metadata.battle_result.games"
    games = _object(_object(score, "metadata"), "battle_result").get("games")
    if failed and not games and all(sides):
        games = [{"model_a": one, "model_b": other} for one, other in (sides, sides[::-1])]
    if not isinstance(games, list) or not games:
        row.problem(where, _("is missing or is not a list"))
        return
    for number, game in enumerate(games):
        place = f"{where}[{number}]"
        told: Mapping[str, Any] = game if isinstance(game, dict) else {}
        shown = [told.get(name) for name in ("model_a", "model_b")]
        label = told.get("judgment")
        if not all(isinstance(name, str) and name for name in shown) or shown[0] == shown[1]:
            row.problem(place, _("does not name two models (model_a, model_b)"))
        elif label is not None and (not isinstance(label, str) or label not in SCORES):
            row.problem(
                f"{place}.judgment",
                _("is %(value)s, not one of %(known)s", value=short(label), known=", ".join(SCORES)),
            )
        else:
            is_lost = label is None or bool(failed)
            yield VoteRecord(
                row, key, *shown, None if is_lost else SCORES[label], _judge(score), is_person=False,
                both_ways=len(games) == 2, told_in=f"{place}.judgment", baseline=sides[1] if sides[1] in shown else "",
                status="parse_error" if is_lost else "ok",
                error=(failed or "the file has no verdict for this game") if is_lost else "",
            )  # fmt: skip


# Marks


def _marks(row: Row, key: str, score: Mapping[str, Any], reviewed: Reviewed) -> Iterator[GradeRecord]:
    """The marks of a review, a judge for each metric; shares from 0 to 1. One that failed has no mark, whatever it says."""
    failed, values = _why_failed(score), _object(score, "value")
    for metric in values or (reviewed.metrics if failed else ()):
        place, value = f"{SCORE}.value.{metric}", values.get(metric)
        is_lost = bool(failed) or value is None
        if is_lost:
            value = None
        elif isinstance(value, bool) or not isinstance(value, int | float):
            row.problem(place, _("is not a number"))
            continue
        elif not LOWEST <= value <= HIGHEST:
            row.problem(
                place,
                _(
                    "is %(value)s, not from %(lowest)s to %(highest)s",
                    value=short(value),
                    lowest=f"{LOWEST:g}",
                    highest=f"{HIGHEST:g}",
                ),
            )
            continue
        yield GradeRecord(
            row, key, reviewed.model.name, None if is_lost else float(value), f"EvalScope {metric}", is_person=False,
            lowest=LOWEST, highest=HIGHEST, version=reviewed.model.version, told_in=place,
            status="parse_error" if is_lost else "ok",
            error=(failed or "the file has no value here") if is_lost else "",
        )  # fmt: skip
    if failed and not values and not reviewed.metrics:
        row.report.counts["failed reviews without a metric, left out"] += 1


def _why_failed(score: Mapping[str, Any]) -> str:
    """Why a review has no verdict that can be used, as it says itself; "" where it has one."""
    summary = _object(score, "judge_summary")
    for status in (score.get("status"), summary.get("status")):
        if isinstance(status, str) and status.casefold() not in USABLE:
            reasons = ", ".join(map(str, _object(summary, "failures")))
            return f"the file says {status}" + (f": {reasons}" if reasons else "")
    return ""


def _judge(score: Mapping[str, Any]) -> str:
    """Who judged, as the summary says; all of them by name where there are several."""
    names = _object(score, "judge_summary").get("judge_models")
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return " + ".join(known) or "EvalScope judge"
