"""Arena-Hard files: question.jsonl, model_answer/*.jsonl and model_judgment/<judge>/*.jsonl."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arena.loading.naming import Naming
from arena.loading.records import (
    ANSWERS,
    JUDGMENTS,
    QUESTIONS,
    AnswerRecord,
    Batch,
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

MOST_TOKENS = 2_000_000_000
QUESTION_FIELDS = {"uid", "category", "prompt"}
SCORES = {"A>>B": 2.0, "A>B": 1.0, "A=B": 0.0, "B=A": 0.0, "B>A": -1.0, "B>>A": -2.0,
          "A<<B": -2.0, "A<B": -1.0, "B<A": 1.0, "B<<A": 2.0}  # fmt: skip


def read(
    files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str, naming: Naming
) -> Batch:
    """Questions, answers and judgments, told apart by their fields."""
    batch = Batch()
    for path in files:
        for row in rows_of(path, report):
            kind = _kind(row)
            if is_left_out(row, kind, kinds):
                continue
            if kind == JUDGMENTS:
                votes = _votes(row)
                batch.votes += votes
                for vote in votes[:1]:
                    batch.imply_answers(vote)
            elif kind == ANSWERS:
                batch.answers.append(_answer(row, model))
            else:
                batch.questions.append(_question(row, language))
    return batch


def _kind(row: Row) -> str:
    if "games" in row.values:
        return JUDGMENTS
    return ANSWERS if "messages" in row.values else QUESTIONS


def _question(row: Row, language: str) -> QuestionRecord:
    meta = {name: value for name, value in row.values.items() if name not in QUESTION_FIELDS}
    return QuestionRecord(row, row.key("uid"), row.text("category"), [row.text("prompt")], language, meta=meta)


def _answer(row: Row, model: ModelRecord | None) -> AnswerRecord:
    """What the assistant said, one text a turn; the tokens of all are told in `metadata`."""
    name = row.text("model")
    metadata = row.take("metadata", dict, required=False, default={})
    tokens = metadata.get("token_len")
    is_told = isinstance(tokens, int) and not isinstance(tokens, bool) and tokens >= 0
    if is_told and tokens > MOST_TOKENS:
        row.problem("metadata.token_len", _("is %(value)s, which is too large", value=short(tokens)))
    extra = {"tokens_out": tokens} if is_told else {}
    return AnswerRecord(row, row.key("uid"), model or ModelRecord(name), _turns(row), extra=extra)


def _turns(row: Row) -> list[str]:
    turns = [_said(message) for message in row.take("messages", list, default=[]) if _is_answer(message)]
    if not turns or any(turn is None for turn in turns):
        row.problem("messages", _("holds no answer of an assistant, or one that is not text"))
        return []
    return turns


def _is_answer(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant"


def _said(message: dict[str, Any]) -> str | None:
    """The text of an answer, which stands in the message itself or in an object of its own; None where there is none."""
    content = message.get("content")
    return plain_text(content.get("answer") if isinstance(content, dict) else content)


# Judgments


def _votes(row: Row) -> list[VoteRecord]:
    """Two games: in the first the baseline was shown as A, in the second the candidate. A lost game is a failure."""
    baseline, model = row.text("baseline"), row.text("model")
    games = row.take("games", list, default=[])
    if len(games) != 2:
        row.problem("games", _("has %(n)s games, not 2", n=len(games)))
        return []
    told = {"row": row, "question": row.key("uid"), "judge": row.text("judge"), "is_person": False, "both_ways": True}
    shown = ((baseline, model), (model, baseline))
    return [
        _vote(row, {**told, "baseline": baseline, "first": first, "second": second}, f"games[{number}]", game)
        for number, (game, (first, second)) in enumerate(zip(games, shown, strict=True))
    ]


def _vote(row: Row, told: dict[str, Any], place: str, game: Any) -> VoteRecord:
    if game is not None and not isinstance(game, dict):
        row.problem(place, _("is not an object"))
        game = None
    game = game or {}
    label = game.get("score")
    if label is not None and (not isinstance(label, str) or label not in SCORES):
        row.problem(
            f"{place}.score", _("is %(value)s, not one of %(known)s", value=short(label), known=", ".join(SCORES))
        )
        label = None
    return VoteRecord(
        **told,
        value=None if label is None else SCORES[label],
        status="parse_error" if label is None else "ok",
        error="the file has no verdict for this game" if label is None else "",
        reply=_reply(game.get("judgment")),
        told_in=f"{place}.score",
    )


def _reply(judgment: Any) -> str:
    """The judge's reply, which stands by itself or in an object of its own; "" where it was not kept."""
    text = judgment.get("answer") if isinstance(judgment, dict) else judgment
    return text if isinstance(text, str) else ""
