"""FairEval's files in, kind by kind; what they hold all together is tested with the other formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena.models import Answer, Question
from judging.models import Preference
from tests.arena.loading_files import loaded_twice, refusal, write

pytestmark = pytest.mark.django_db


def folder(tmp_path: Path, verdicts: str = "CHATGPT\n\nTIE\n") -> Path:
    asked = [{"question_id": n, "text": f"Question {n}?", "category": "generic"} for n in (1, 2)]
    said = [
        {"question_id": n, "answer_id": f"{model}-{n}", "model_id": f"{model}:1", "text": f"Answer {n} of {model}."}
        for n in (1, 2)
        for model in ("gpt-3.5-turbo", "vicuna-13b")
    ]
    write(tmp_path / "question.jsonl", *asked)
    write(tmp_path / "answer.jsonl", *said)
    (tmp_path / "review.txt").write_text(verdicts)
    return tmp_path


def test_each_kind_may_be_loaded_by_itself_and_the_rest_is_counted(tmp_path):
    home = folder(tmp_path)
    counts = loaded_twice("faireval", home, kind="questions", benchmark="f")
    assert (counts["new questions"], counts["answers left out"], counts["judgments left out"]) == (2, 4, 2)
    assert (Question.objects.count(), Answer.objects.count()) == (2, 0)
    counts = loaded_twice("faireval", home, kind="answers", benchmark="f")
    assert (counts["new answers"], counts["questions left out"], counts["judgments left out"]) == (4, 2, 2)
    assert not Preference.objects.exists()
    counts = loaded_twice("faireval", home, kind="judgments", benchmark="f")
    assert (counts["new votes"], counts["questions left out"], counts["answers left out"]) == (2, 2, 4)
    assert Preference.objects.count() == 2


def test_verdicts_alone_about_questions_that_are_not_there_are_refused(tmp_path):
    home = folder(tmp_path)
    told = refusal("faireval", home, kind="judgments")
    assert told[0].startswith(f"{home}/review.txt:1: ") and len(told) >= 2


def test_a_verdict_in_other_words_is_refused_with_its_line(tmp_path):
    home = folder(tmp_path, "CHATGPT\nchatgpt\n")
    assert f"{home}/review.txt:2: verdict: is 'chatgpt', not one of CHATGPT, VICUNA13B, TIE" in refusal(
        "faireval", home
    )


def test_a_blank_line_moves_no_verdict_to_another_line(tmp_path):
    home = folder(tmp_path, "CHATGPT\n\nDRAW\n")
    assert refusal("faireval", home) == [
        f"{home}/review.txt:3: verdict: is 'DRAW', not one of CHATGPT, VICUNA13B, TIE",
    ]
