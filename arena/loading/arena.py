"""Battles of the Chatbot Arena and its like: chatbot_arena_conversations, mt_bench_human_judgments, clean_battle."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from arena.loading.naming import Naming
from arena.loading.records import (
    UNSTATED,
    AnswerRecord,
    Batch,
    ModelRecord,
    QuestionRecord,
    Report,
    Row,
    VoteRecord,
    objects_of,
)
from arena.loading.rows import plain_text
from arena.loading.said import said as _

BOTH_BAD = "tie (bothbad)"
INCONSISTENT = "tie (inconsistent)"
WINNERS = {"model_a": 1.0, "model_b": -1.0, "tie": 0.0, BOTH_BAD: 0.0, INCONSISTENT: 0.0}
VISITORS = "arena visitors"
NO_TEXT = "(The text of this question was not published.)"
NO_TEXTS = _("without texts: each battle is a question of its own, and its answers stand without their text")
LANGUAGES = {"english": "en", "chinese": "zh"}
KEPT = ("language", "toxic_chat_tag", "conv_metadata", "dedup_tag", "category_tag")
# What LMSYS takes for a sign that a voter knew who wrote, or that the answer is none (FastChat, clean_battle_data).
LEAKS = ("vicuna", "lmsys", "koala", "uc berkeley", "open assistant", "laion", "chatglm", "chatgpt", "gpt-4", "openai", "anthropic",
         "claude", "bard", "palm", "lamda", "google", "llama", "qianwan", "alpaca", "mistral", "zhipu")  # fmt: skip
FAILURES = ("network error due to high traffic.", "$moderation$ your input violates", "api request error")


def read(
    files: list[Path], report: Report, *, kinds: Sequence[str], model: ModelRecord | None, language: str, naming: Naming
) -> Batch:
    """The battles that count, with their questions and answers where the file has them.

    As LMSYS does, votes with the names shown are left out, and those whose texts tell who wrote them or that a call failed;
    each reason is counted.
    """
    batch = Batch()
    trials: Counter[tuple] = Counter()
    keys: Counter[str] = Counter()
    for path in files:
        for row in objects_of(path, report):
            _battle(row, batch, language, keys, trials)
    _keep_longest(batch)
    # Elo takes votes in the order they are on record, and these files are not always in the order of time.
    batch.votes.sort(key=lambda vote: vote.extra.get("tstamp", 0))
    return batch


def _battle(row: Row, batch: Batch, language: str, keys: Counter[str], trials: Counter[tuple]) -> None:
    told_in = "winner" if "winner" in row.values else "win"
    value = row.label(told_in, WINNERS)
    first, second = row.text("model_a"), row.text("model_b")
    conversations = [_conversation(row, name) for name in ("conversation_a", "conversation_b")]
    if why := _why_not(row, first, second, conversations):
        row.report.counts[f"{why}, left out"] += 1
        return
    if row.values.get("anony") is True:
        row.report.counts["anonymous battles"] += 1
    key = _key(row, keys)
    if value is None or not key:
        return
    judge, is_person = _judge(row)
    # In votes on MT-bench `turn` is the one judged; in the arena it is how many there were.
    turn = 0 if "anony" in row.values else row.take("turn", int, required=False, default=0)
    place = (judge, key, first, second, turn)
    vote = VoteRecord(
        row,
        key,
        first,
        second,
        value,
        judge,
        is_person=is_person,
        both_bad=row.values.get(told_in) == BOTH_BAD,
        turn=turn,
        trial=trials[place],
        extra=_extra(row, is_flip=row.values.get(told_in) == INCONSISTENT),
        told_in=told_in,
    )
    trials[place] += 1
    batch.votes.append(vote)
    _told_along(row, vote, conversations, batch, language)


def _extra(row: Row, *, is_flip: bool) -> dict[str, Any]:
    """What else the file says. `flip`: asked in both orders, the judge contradicted itself, which is a tie here as well."""
    kept = {name: row.values[name] for name in KEPT if row.values.get(name)}
    return {**row.extra(tstamp="tstamp"), **kept, **({"flip": True} if is_flip else {})}


def _told_along(row: Row, vote: VoteRecord, conversations: list, batch: Batch, language: str) -> None:
    """The question and the two answers of a battle; those that are not in the file stand without their text."""
    speaks = _language(row, language)
    texts = [said for said in conversations if said is not None]
    if len(texts) < 2:
        row.report.note(_("%(file)s: %(note)s", file=row.file.name, note=NO_TEXTS))
        batch.questions.append(
            QuestionRecord(
                row,
                vote.question,
                UNSTATED,
                [NO_TEXT],
                speaks,
                meta={"published": False},
                implied=True,
                published=False,
            )
        )
        batch.imply_answers(vote)
        return
    (asked, first), (also_asked, second) = texts
    if asked != also_asked:
        row.problem("conversation_b", _("asks something else than conversation_a"))
    batch.questions.append(QuestionRecord(row, vote.question, UNSTATED, asked, speaks, implied=True))
    for name, turns, told_in in ((vote.first, first, "conversation_a"), (vote.second, second, "conversation_b")):
        batch.answers.append(
            AnswerRecord(row, vote.question, ModelRecord(name), turns, may_be_empty=True, implied=True, told_in=told_in)
        )


Said = tuple[list[str], list[str]]


def _conversation(row: Row, name: str) -> Said | None:
    """What the user and what the model said, turn by turn; None where the file does not have it."""
    if name not in row.values:
        return None
    asked: list[str] = []
    answered: list[str] = []
    for message in row.take(name, list, default=[]):
        text = plain_text(message.get("content")) if isinstance(message, dict) else None
        if text is None:
            row.problem(name, _("holds something that is not a message with role and content"))
            return None
        (asked if message.get("role") == "user" else answered).append(text)
    return asked, answered


def _why_not(row: Row, first: str, second: str, conversations: Sequence[Said | None]) -> str:
    """Why a battle does not count, in words; "" where it does."""
    if row.take("anony", bool, required=False) is False:
        return "battles with the names shown"
    if first and first == second:
        return "battles of a model with itself"
    if any(said is not None and len(said[0]) != len(said[1]) for said in conversations):
        return "battles with an unfinished answer"
    if "anony" not in row.values:
        return ""
    text = "\n".join(_texts(conversations)).lower()
    if any(sign in text for sign in FAILURES):
        return "battles with a failed call"
    return "battles whose texts name a model" if any(word in text for word in LEAKS) else ""


def _texts(conversations: Sequence[Said | None]) -> Iterator[str]:
    for said in conversations:
        for part in said or ():
            yield from part


def _key(row: Row, keys: Counter[str]) -> str:
    """The question's id; where the file has none, a hash of the row, numbered where rows are the same."""
    if "question_id" in row.values:
        return row.key("question_id")
    text = json.dumps(row.values, sort_keys=True, ensure_ascii=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    keys[key] += 1
    return key if keys[key] == 1 else f"{key}-{keys[key]}"


def _judge(row: Row) -> tuple[str, bool]:
    """Who judged, and whether it is a person; files without names are about the arena's visitors."""
    said: Any = row.values.get("judge")
    if isinstance(said, list) and said and all(isinstance(part, str) for part in said):
        return " ".join(said), False
    if said is None:
        return VISITORS, True
    name = row.text("judge")
    return name, not name.lower().startswith("gpt")


def _language(row: Row, language: str) -> str:
    """Its code where the file names one of ours, else what the file says; `language` where it says nothing."""
    said = row.text("language", required=False).lower()
    return LANGUAGES.get(said, said[:12]) or language


def _keep_longest(batch: Batch) -> None:
    """Of one question and one answer told several times as the conversation went on, keep the longest."""
    asked: dict[str, list[str]] = {}
    for record in batch.questions:
        if record.turns[: len(asked.get(record.key, []))] == asked.get(record.key, []):
            asked[record.key] = record.turns
    batch.questions = [r for r in batch.questions if not _is_beginning(r.turns, asked[r.key])]
    said: dict[tuple[str, str], list[str]] = {}
    for answer in batch.answers:
        place = (answer.question, answer.model.name)
        if answer.turns[: len(said.get(place, []))] == said.get(place, []):
            said[place] = answer.turns
    batch.answers = [
        r for r in batch.answers if not r.published or not _is_beginning(r.turns, said[r.question, r.model.name])
    ]


def _is_beginning(turns: list[str], whole: list[str]) -> bool:
    """Whether these turns are only how the whole begins."""
    return len(turns) < len(whole) and whole[: len(turns)] == turns
