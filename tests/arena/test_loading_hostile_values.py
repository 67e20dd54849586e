"""Values of any kind in any field of any format: loaded, or refused in one clear line, never a crash, nothing half-written."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.arena.loading_files import state, write

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

VALUES = ([], {}, ["a"], {"a": [1]}, 10**400, -1, 1e300, True, None, "x", "", [None], [[1]])
TRIED = 3  # of them in each place
TALK = [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Ash."}]
GOLD = {"capability": "trees", "question": "Name a tree.", "answer1": "ash", "answer2": "birch"}
GAMES = [
    {"model_a": "ash", "model_b": "base", "judgment": "A>B"},
    {"model_a": "base", "model_b": "ash", "judgment": "A=B"},
]
SCORE = {
    "value": {"acc": 1},
    "status": "success",
    "prediction": "Ash.",
    "judge_summary": {"status": "success", "judge_models": ["owl"]},
}
PAIR = {
    "question_id": 3,
    "category": "generic",
    "question": "Why rest?",
    "model_a": "ash:1",
    "model_b": "birch",
    "tstamp": 1.5,
}
REGION = {"from_name": "pw", "to_name": "text1,text2", "type": "pairwise", "value": {"selected": "left"}}
STARS = {"from_name": "score", "to_name": "answer", "type": "number", "value": {"number": 3}}
SAID = {"completed_by": 3, "was_cancelled": False, "lead_time": 12.5, "created_at": "2026-01-01T00:00:00Z"}

ROWS: dict[str, tuple[str, str, Any]] = {
    "question": ("juryroom", "q.jsonl", {"key": "q", "category": "c", "turns": ["a"], "reference": ["b"], "tags": ["t"], "checks": []}),
    "vote": ("juryroom", "v.jsonl", {"question": "q", "judge": "person 1", "kind": "person", "status": "ok", "value": 1, "run": 3, "turn": 0,
        "trial": 0, "first": "ash", "second": "birch", "first_sample": 0, "swapped": False, "both_bad": False, "scores": {"right": 1},
        "reasons": ["style"], "note": "n", "kept_out": "", "active_ms": 5, "created_at": "2026-01-01T00:00:00Z", "order": "fixed"}),
    "grade": ("juryroom", "g.jsonl", {"question": "q", "judge": "owl", "kind": "llm", "status": "ok", "value": 1, "model": "ash",
        "lowest": 0, "highest": 5, "points": [], "rubric": "r"}),
    "mt_bench grade": ("mt_bench", "m.jsonl", {"question_id": 7, "model": "ash", "judge": ["owl", "t"], "user_prompt": "p", "judgment": "j",
        "score": 9, "turn": 1, "tstamp": 1.5}),
    "mt_bench answer": ("mt_bench", "m.jsonl", {"question_id": 7, "model_id": "ash", "choices": [{"index": 0, "turns": ["a"]}]}),
    "llmuses pair": ("llmuses", "r.jsonl", {**PAIR, "scores": [6, 8], "win": "model_b", "review_text": "6 8", "output_a": "a", "output_b": "b"}),
    "llmuses mark": ("llmuses", "r.jsonl", {"question_id": 3, "model": "ash", "score": 7, "review_text": "[[7]]", "question": "q", "category": "c"}),
    "arena": ("arena", "c.jsonl", {"question_id": "q1", "model_a": "ash", "model_b": "birch", "winner": "model_b", "judge": "u", "turn": 1,
        "anony": True, "language": "Chinese", "tstamp": 1.5, "conversation_a": TALK, "conversation_b": TALK}),
    "arena_hard": ("arena_hard", "a.jsonl", {"uid": "u1", "model": "ash", "messages": TALK, "metadata": {"token_len": 3}}),
    "arena_hard games": ("arena_hard", "j.jsonl", {"uid": "u1", "category": "h", "judge": "owl", "model": "ash", "baseline": "base",
        "games": [{"score": "A>B", "judgment": {"answer": "x"}, "prompt": []}, None]}),
    "alpaca_eval": ("alpaca_eval", "a.json", [{"instruction": "Hi", "output_1": "a", "generator_1": "base", "output_2": "b",
        "generator_2": "ash", "annotator": "owl", "preference": 1.5, "price_per_example": 1, "time_per_example": 1, "raw_completion": {"text": "t"}}]),
    "auto_j": ("auto_j", "t.jsonl", {"scenario": "ranking", "label": 1, "prompt": "p", "response 1": "a", "response 2": "b"}),
    "pandalm": ("pandalm", "p.json", [{"idx": 1, "motivation_app": "m", "cmp_key": "ash_birch", "instruction": "i", "input": "", "response1": "a",
        "response2": "b", "annotator1": "1", "annotator2": 2, "annotator3": "0"}]),
    "llmbar": ("llmbar", "d.json", [{"input": "i", "output_1": "a", "output_2": "b", "label": 1,
        "results": [{"swap = False": {"completion": ["x", "stop"], "winner": "1"}, "swap = True": {"winner": None}}]}]),
    "opencompass": ("opencompass", "l.json", [{"question": {"content": "a"}, "capability": "c"}, {"dialogue": TALK}]),
    "opencompass results": ("opencompass", "a_judged-by--owl/l.json", {"0": {"prediction": "[[A]]", "gold": GOLD}}),
    "evalscope": ("evalscope", "ash/e.jsonl", {"index": 0, "target": ["x"], "messages": TALK[:1], "sample_score": {"score": SCORE}}),
    "evalscope arena": ("evalscope", "Arena/e.jsonl", {"index": 0, "target": ["x"], "messages": TALK[:1], "sample_score": {
        "sample_metadata": {"answer_1": "a", "model_1": "ash", "model_2": "base"},
        "score": {**SCORE, "metadata": {"battle_result": {"score": 1, "games": GAMES}}}}}),
    "label_studio": ("label_studio", "e.json", [{"id": 5, "project": 1, "data": {"prompt": "p", "text1": "a", "text2": "b"},
        "annotations": [{**SAID, "result": [REGION], "juryroom": {"turn": 0, "trial": 0, "swapped": False}}], "predictions": []}]),
    "label_studio marks": ("label_studio", "e.json", [{"id": 5, "data": {"prompt": "p", "answer": "a", "model": "ash", "lowest": 1, "highest": 5,
        "sample": 0}, "annotations": [{**SAID, "result": [STARS]}]}]),
    "faireval": ("faireval", "a.jsonl", {"question_id": 1, "text": "t", "answer_id": "x", "model_id": "ash"}),
}  # fmt: skip


def spoiled(value: Any) -> Iterator[Any]:
    """The value with one thing in it, at any depth, replaced by some of VALUES: others in each place, so that all come up."""
    for number, place in enumerate(_places(value, ())):
        for turn in range(TRIED):
            other = VALUES[(number + turn * 4) % len(VALUES)]
            whole = copy.deepcopy(value)
            inner = whole
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = other
            yield whole


def _places(value: Any, path: tuple) -> Iterator[tuple]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in inside:
        yield (*path, step)
        yield from _places(inner, (*path, step))


@pytest.mark.parametrize("name", ROWS)
def test_any_value_in_any_field_is_loaded_or_refused_in_words(tmp_path, name):
    format_, path, row = ROWS[name]
    before = state()
    for number, told in enumerate(spoiled(row)):
        file = write(tmp_path / str(number) / path, json.dumps(told) + "\n")
        _tried(format_, file)
    assert state() == before


def _tried(format_: str, file: Path) -> None:
    try:
        call_command("load", format_, str(file), check=True, stdout=StringIO())
    except CommandError as refused:
        *problems, last = str(refused).splitlines()
        assert last == "nothing was written" and all(line.startswith(str(file)) for line in problems), refused
        assert all(len(line) < 700 for line in problems), refused
