"""Files in: published formats and our own, whole or not at all, each problem with its file, line and field."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arena.loading import FORMATS, Report
from arena.loading import write as write_rows
from arena.loading.writing import Target
from arena.models import Answer, Benchmark, Category, LanguageModel, Question
from judging.models import Judge, Preference
from tests.arena.loading_files import TABLES, load, loaded_twice, refusal, write

pytestmark = pytest.mark.django_db

QUESTION = {"key": "q1", "category": "cooking", "turns": ["How long does an egg boil?"]}
ANSWER = {"question": "q1", "model": "Ash", "version": "1", "vendor": "Northmoor", "turns": ["Six minutes."]}


# --- what is loaded


def test_our_own_files_are_loaded_with_everything_they_say(tmp_path):
    full = {
        **QUESTION,
        "turns": ["How long?", "And a large one?"],
        "language": "zh",
        "system": "Be brief.",
        "reference": ["Six minutes.", "Seven."],
        "checks": [{"type": "contains", "all": ["six"]}],
        "tags": ["egg"],
        "meta": {"source": "ours"},
        "author": "somebody",
    }
    said = {
        **ANSWER,
        "turns": ["Six.", "Seven."],
        "tokens_in": 5,
        "tokens_out": 3,
        "seconds": 0.5,
        "first_token_s": 0.1,
    }
    write(tmp_path / "questions.jsonl", full, {**QUESTION, "key": 2})
    write(tmp_path / "answers.jsonl", {**said, "reasoning": "An egg …", "finish": "stop"}, {**said, "sample": 1})
    load("juryroom", tmp_path, benchmark="pantry")
    question = Question.objects.get(key="q1")
    assert (
        question.turns == full["turns"] and question.reference == full["reference"] and question.system == "Be brief."
    )
    assert (question.category.key, question.language, question.checks) == ("cooking", "zh", full["checks"])
    assert question.meta == {"source": "ours", "author": "somebody"} and question.tags == ["egg"]
    first, second = Answer.objects.all()
    assert (first.tokens_in, first.seconds, first.reasoning, first.finish) == (5, 0.5, ["An egg …"], "stop")
    assert (second.sample, first.provenance, first.model.vendor) == (1, "imported", "Northmoor")
    assert first.html and Question.objects.get(key="2").language == "en"


def test_loading_the_same_files_again_changes_nothing(tmp_path):
    write(tmp_path / "questions.jsonl", QUESTION)
    write(tmp_path / "answers.jsonl", ANSWER)
    assert load("juryroom", tmp_path)["counts"]["new answers"] == 1
    before = [list(table.objects.order_by("pk").values()) for table in TABLES]
    counts = load("juryroom", tmp_path)["counts"]
    assert (counts["new questions"], counts["new answers"]) == (0, 0)
    assert (counts["questions already there"], counts["answers already there"]) == (1, 1)
    assert [list(table.objects.order_by("pk").values()) for table in TABLES] == before


def test_answers_may_come_later_than_their_questions_and_one_by_one(tmp_path):
    load("juryroom", write(tmp_path / "q.jsonl", QUESTION), benchmark="pantry")
    load("juryroom", write(tmp_path / "a.jsonl", ANSWER), benchmark="pantry")
    later = write(tmp_path / "b.jsonl", {"question": "q1", "turns": ["Seven."]})
    load("juryroom", later, benchmark="pantry", model="Birch", model_version="2", vendor="Else")
    assert {(a.model.name, a.model.version) for a in Answer.objects.all()} == {("Ash", "1"), ("Birch", "2")}


def test_checking_alone_writes_nothing_and_counts_all_the_same(tmp_path):
    write(tmp_path / "q.jsonl", QUESTION)
    report = load("juryroom", tmp_path, check=True)
    assert report["counts"]["new questions"] == 1 and report["checked_only"] and not Benchmark.objects.exists()


def test_blank_lines_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    text = "\ufeff" + json.dumps(QUESTION) + "\r\n\r\n" + json.dumps({**QUESTION, "key": "q2"}) + "\r\n"
    (tmp_path / "q.jsonl").write_bytes(text.encode())
    load("juryroom", tmp_path)
    assert Question.objects.count() == 2


def test_versions_and_vendors_a_format_does_not_know_are_said_to_be_unstated(tmp_path):
    write(tmp_path / "q.jsonl", {"question_id": 1, "category": "c", "text": "?"})
    write(tmp_path / "a.jsonl", {"question_id": 1, "model_id": "ash:7b", "answer": "!"})
    report = load("llmuses", tmp_path)
    assert report["notes"] == ["model ash: version 7b, vendor unstated; --model-version, --vendor set them"]


def test_an_empty_answer_is_left_out_and_counted(tmp_path):
    write(tmp_path / "q.jsonl", QUESTION)
    write(tmp_path / "a.jsonl", {**ANSWER, "turns": [" \n"]})
    assert load("juryroom", tmp_path)["counts"]["empty answers left out"] == 1 and not Answer.objects.exists()


def test_one_kind_alone_may_be_loaded_and_the_rest_is_counted(tmp_path):
    write(tmp_path / "q.jsonl", QUESTION)
    write(tmp_path / "a.jsonl", ANSWER)
    counts = load("juryroom", tmp_path, kind="questions")["counts"]
    assert (counts["new questions"], counts["answers left out"]) == (1, 1) and not Answer.objects.exists()


def test_a_kind_that_a_format_does_not_have_is_refused(tmp_path):
    write(tmp_path / "q.jsonl", QUESTION)
    with pytest.raises(
        CommandError, match="juryroom files hold no prompts that we can read; they hold questions, answers"
    ):
        load("juryroom", tmp_path, kind="prompts")


# --- what is refused: bad lines

BAD_QUESTIONS = {
    '{"key": "q1", "category"\n': r"q.jsonl:2: is not JSON: Expecting ':' delimiter at column 25",
    "[1, 2]\n": "q.jsonl:2: is a list, not an object",
    '{"key": "q2", "category": "c", "turns": ["?"], "meta": {"x": NaN}}\n': "q.jsonl:2: is not JSON: NaN is no number",
    '{"key": "q2", "category": "c", "turns": ["?"], "meta": {"x": 1e999}}\n': "q.jsonl:2: is not JSON: 1e999 is no number",
    "[" * 100_000 + "\n": "q.jsonl:2: is not JSON: nested too deep",
    '{"key": "q2", "category": "c", "turns": ["a\\u0000b"]}\n': "q.jsonl:2: turns: holds a NUL or half a character",
    '{"key": "q2", "category": "c", "turns": ["a\\ud800b"]}\n': "q.jsonl:2: turns: holds a NUL or half a character",
}


@pytest.mark.parametrize("line", BAD_QUESTIONS, ids=range(len(BAD_QUESTIONS)))
def test_a_line_that_cannot_be_read_is_named_and_keeps_all_else_out(tmp_path, line):
    file = write(tmp_path / "q.jsonl", QUESTION, line)
    (problem,) = refusal("juryroom", file)
    assert problem.startswith(f"{tmp_path}/{BAD_QUESTIONS[line]}")


BAD_FIELDS = [
    ({"key": None}, "key: is missing"),
    ({"key": "  "}, "key: is empty"),
    ({"key": 1.5}, "key: is a number, not text or a whole number"),
    ({"key": True}, "key: is true or false, not text or a whole number"),
    ({"key": "k" * 121}, "key: is 121 characters long; at most 120 are kept"),
    ({"category": ""}, "category: is empty"),
    ({"category": ["c"]}, "category: is a list, not text"),
    ({"turns": "How long?"}, "turns: is text, not a list"),
    ({"turns": []}, "turns: is an empty list"),
    ({"turns": ["?", 5]}, "turns: holds something that is not text"),
    ({"turns": ["?", " "]}, "turns: holds an empty text"),
    ({"reference": ["one", "two"]}, "reference: has 2 texts for 1 turns"),
    ({"reference": 6}, "reference: is a whole number, not a list"),
    ({"checks": ["exact"]}, "checks: holds something that is not an object"),
    ({"checks": [{"type": "spell"}]}, "checks: unknown type of check 'spell'"),
    ({"meta": []}, "meta: is a list, not an object"),
]


@pytest.mark.parametrize(("fields", "problem"), BAD_FIELDS)
def test_a_bad_field_is_named_with_its_line(tmp_path, fields, problem):
    file = write(tmp_path / "q.jsonl", {**QUESTION, "key": "fine"}, {**QUESTION, **fields})
    (told,) = refusal("juryroom", file)
    assert told.startswith(f"{file}:2: {problem}")


BAD_ANSWERS = [
    ({"question": "q9"}, "question: q9 is not among the questions"),
    ({"question": ""}, "question: is empty"),
    ({"model": None}, "model: is missing"),
    ({"vendor": 7}, "vendor: is a whole number, not text"),
    ({"model": "m" * 121}, "model: is 121 characters long"),
    ({"turns": ["Six.", "Seven."]}, "turns: has 2 for a question of 1"),
    ({"turns": None}, "turns: is missing"),
    ({"tokens_in": -1}, "tokens_in: is -1, not from 0 to"),
    ({"tokens_out": 10**30}, "tokens_out: is 1000000000000000000000000000000, not from 0 to"),
    ({"sample": -1}, "sample: is -1, not from 0 to"),
    ({"seconds": "fast"}, "seconds: is text, not a whole number or a number"),
]


@pytest.mark.parametrize(("fields", "problem"), BAD_ANSWERS)
def test_a_bad_answer_is_named_with_its_line(tmp_path, fields, problem):
    write(tmp_path / "a" / "questions.jsonl", QUESTION)
    file = write(tmp_path / "a" / "answers.jsonl", {**ANSWER, **fields})
    (told,) = refusal("juryroom", tmp_path)
    assert told.startswith(f"{file}:1: {problem}")


def test_duplicates_name_the_line_they_repeat(tmp_path):
    questions = write(tmp_path / "questions.jsonl", QUESTION, {**QUESTION, "category": "else"})
    answers = write(tmp_path / "answers.jsonl", ANSWER, ANSWER)
    assert set(refusal("juryroom", tmp_path)) == {
        f"{questions}:2: key: q1 is a duplicate of line 1",
        f"{answers}:2: question: q1 by Ash is a duplicate of line 1",
    }


def test_every_problem_is_told_at_once_up_to_fifty(tmp_path):
    file = write(tmp_path / "q.jsonl", *({**QUESTION, "key": n, "turns": 5} for n in range(70)))
    told = refusal("juryroom", file)
    assert len(told) == 51 and told[-1] == "… and 20 more"


# --- what is refused: files


def test_a_file_that_is_not_utf8_is_named_with_the_line(tmp_path):
    file = tmp_path / "q.jsonl"
    file.write_bytes(json.dumps(QUESTION).encode() + b"\n" + '{"key": "é"}\n'.encode("latin-1"))
    (told,) = refusal("juryroom", file)
    assert told == f"{file}:2: is not UTF-8 text (invalid continuation byte at byte 10 of the line); save it as UTF-8"


def test_missing_files_empty_files_and_empty_folders_are_problems(tmp_path):
    (tmp_path / "hollow").mkdir()
    (tmp_path / "nothing.jsonl").touch()
    paths = [tmp_path / "absent.jsonl", tmp_path / "hollow", tmp_path / "nothing.jsonl"]
    assert sorted(refusal("juryroom", *paths)) == [
        f"{tmp_path}/absent.jsonl: there is no such file",
        f"{tmp_path}/hollow: holds no .jsonl or .csv file",
        f"{tmp_path}/nothing.jsonl: is empty",
    ]


# --- what is refused: against what is there


def test_a_question_that_changed_is_refused_and_goes_into_another_version(tmp_path):
    load("juryroom", write(tmp_path / "q.jsonl", QUESTION), benchmark="pantry")
    changed = write(tmp_path / "q.jsonl", {**QUESTION, "turns": ["How long does a large egg boil?"]})
    (told,) = refusal("juryroom", changed, benchmark="pantry")
    assert told == f"{changed}:1: key: q1 differs from the question already in pantry v1; load it as another version"
    load("juryroom", changed, benchmark="pantry", benchmark_version="2")
    assert Benchmark.objects.count() == 2


def test_a_frozen_benchmark_takes_no_new_question_and_still_takes_answers(tmp_path):
    load("juryroom", write(tmp_path / "q.jsonl", QUESTION), benchmark="pantry")
    Benchmark.objects.get().freeze()
    more = write(tmp_path / "more.jsonl", {**QUESTION, "key": "q2"})
    (told,) = refusal("juryroom", more, benchmark="pantry")
    assert told == f"{more}:1: key: q2 is new, and pantry v1 is frozen; load it as another version"
    load("juryroom", write(tmp_path / "a.jsonl", ANSWER), benchmark="pantry")
    assert Answer.objects.count() == 1


def test_an_answer_that_changed_is_refused(tmp_path):
    write(tmp_path / "q.jsonl", QUESTION)
    write(tmp_path / "a.jsonl", ANSWER)
    load("juryroom", tmp_path)
    changed = write(tmp_path / "a.jsonl", {**ANSWER, "turns": ["Nine minutes."]})
    (told,) = refusal("juryroom", tmp_path)
    assert told == f"{changed}:1: turns: q1 by Ash differs from the answer already there"


def test_a_question_in_another_language_is_another_question(tmp_path):
    load("juryroom", write(tmp_path / "q.jsonl", {**QUESTION, "language": "en"}), benchmark="pantry")
    changed = write(tmp_path / "q.jsonl", {**QUESTION, "language": "zh"})
    (told,) = refusal("juryroom", changed, benchmark="pantry")
    assert "q1 differs from the question already in pantry v1" in told


def test_an_answer_from_a_file_takes_the_place_of_a_call_that_failed(tmp_path):
    write(tmp_path / "q.jsonl", QUESTION, {**QUESTION, "key": "q2"})
    load("juryroom", tmp_path, benchmark="pantry")
    q1, q2 = Question.objects.order_by("key")
    ash, birch = (LanguageModel.objects.create(name=name, version="1", vendor="Northmoor") for name in ("Ash", "Birch"))
    for place in ((q1, ash, 0), (q1, ash, 1), (q2, ash, 0), (q1, birch, 0)):
        question, model, sample = place
        Answer.objects.create(question=question, model=model, sample=sample, error="timed out")
    assert load("juryroom", write(tmp_path / "a.jsonl", ANSWER), benchmark="pantry")["counts"]["new answers"] == 1
    assert [(a.question, a.model, a.turns) for a in Answer.objects.ok()] == [(q1, ash, ANSWER["turns"])]
    left = Answer.objects.failed().values_list("question__key", "model__name", "sample")
    assert set(left) == {("q1", "Ash", 1), ("q2", "Ash", 0), ("q1", "Birch", 0)}


def test_a_load_that_is_refused_leaves_the_failures_where_they_are(tmp_path):
    load("juryroom", write(tmp_path / "q.jsonl", QUESTION), benchmark="pantry")
    ash = LanguageModel.objects.create(name="Ash", version="1", vendor="Northmoor")
    Answer.objects.create(question=Question.objects.get(), model=ash, error="timed out")
    refusal("juryroom", write(tmp_path / "a.jsonl", ANSWER, {**ANSWER, "question": "q9"}), benchmark="pantry")
    assert Answer.objects.failed().count() == 1


def test_no_query_names_every_question_or_answer_of_a_benchmark(tmp_path):
    """A database takes so many variables in a query and no more."""

    def longest(name: str, size: int) -> int:
        write(tmp_path / name / "q.jsonl", *({**QUESTION, "key": n} for n in range(size)))
        load("juryroom", tmp_path / name)
        answers = write(tmp_path / name / "a.jsonl", *({**ANSWER, "question": n} for n in range(size)))
        with CaptureQueriesContext(connection) as queries:
            load("juryroom", answers, benchmark=name)
        return max(len(query["sql"]) for query in queries if query["sql"].startswith("SELECT"))

    assert longest("tiny", 10) == longest("huge", 90)


# --- published formats, small


def choices(*turns: str) -> list[dict]:
    return [{"index": 0, "turns": list(turns)}]


def test_mt_bench_references_come_in_a_folder_of_their_own(tmp_path):
    write(tmp_path / "question.jsonl", {"question_id": 81, "category": "math", "turns": ["1+1?", "And 2+2?"]})
    write(
        tmp_path / "reference_answer" / "gpt-4.jsonl",
        {"question_id": 81, "model_id": "gpt-4", "choices": choices("2", "4")},
    )
    write(tmp_path / "model_answer" / "ash.jsonl", {"question_id": 81, "model_id": "ash", "choices": choices("3", "5")})
    load("mt_bench", tmp_path)
    assert Question.objects.get().reference == ["2", "4"]
    assert [answer.turns for answer in Answer.objects.all()] == [["3", "5"]]


def test_a_reference_without_its_question_is_not_lost_in_silence(tmp_path):
    question = write(tmp_path / "question.jsonl", {"question_id": 81, "category": "math", "turns": ["1+1?"]})
    rows = ({"question_id": n, "model_id": "gpt-4", "choices": choices("2")} for n in (81, 82, 81))
    references = write(tmp_path / "reference_answer" / "gpt-4.jsonl", *rows)
    assert refusal("mt_bench", question, references) == [
        f"{references}:2: question_id: 82 is not among the questions loaded with it",
        f"{references}:3: question_id: 81 is a duplicate of line 1",
    ]


def test_mt_bench_choices_without_turns_are_refused(tmp_path):
    write(tmp_path / "question.jsonl", {"question_id": 81, "category": "math", "turns": ["1+1?"]})
    bad = write(
        tmp_path / "z.jsonl", *({"question_id": 81, "model_id": "ash", "choices": c} for c in ([{"turns": "2"}], [3]))
    )
    assert refusal("mt_bench", tmp_path) == [
        f"{bad}:1: choices.turns: is not a list of texts",
        f"{bad}:2: choices: is not a list of objects with turns",
    ]


def fair(folder: Path, verdicts: str, *, silent: str = "") -> Path:
    """Two questions in FairEval's shape with both models' answers and these verdicts."""
    write(folder / "question.jsonl", *({"question_id": n, "category": "c", "text": "?"} for n in (1, 2)))
    rows = [
        {
            "question_id": n,
            "answer_id": f"{model}{n}",
            "model_id": model,
            "text": " " if f"{model}{n}" == silent else "well",
        }
        for n in (1, 2)
        for model in ("gpt-3.5-turbo:1", "vicuna-13b:1")
    ]
    write(folder / "answer.jsonl", *rows)
    (folder / "review.txt").write_text(verdicts)
    return folder


def test_published_verdicts_become_votes_of_imported_people(tmp_path):
    load("faireval", fair(tmp_path, "VICUNA13B\nTIE\n"))
    votes = Preference.objects.select_related("battle__first__model").order_by("battle__question__key")
    towards = [row.value * (1 if row.battle.first.model.name.startswith("gpt") else -1) for row in votes]
    assert towards == [-1, 0]
    judge = Judge.objects.get()
    assert (judge.kind, judge.is_person, votes[0].provenance) == ("imported_person", True, "imported")


def versions(folder: Path, version: str) -> Path:
    """The answers of `fair` again, by another version of its models."""
    rows = [json.loads(line) for line in (folder / "answer.jsonl").read_text().splitlines()]
    for row in rows:
        row["model_id"] = row["model_id"].replace(":1", f":{version}")
        row["answer_id"] += f"-{version}"
    return write(folder / f"answer{version}.jsonl", *rows)


def test_a_vote_is_about_the_version_whose_answers_came_with_it(tmp_path):
    folder = fair(tmp_path / "f", "VICUNA13B\nTIE\n")
    load("faireval", folder / "question.jsonl", versions(folder, "2"), benchmark="f")
    (folder / "answer2.jsonl").unlink()
    assert load("faireval", folder, benchmark="f")["counts"]["new votes"] == 2
    assert {row.battle.first.model.version for row in Preference.objects.select_related("battle__first__model")} == {
        "1"
    }


def test_a_vote_that_may_be_about_either_of_two_versions_is_refused(tmp_path):
    folder = fair(tmp_path / "f", "VICUNA13B\nTIE\n")
    versions(folder, "2")
    told = refusal("faireval", folder)
    assert told[0] == (
        f"{folder}/review.txt:1: verdict: is about question 1 and gpt-3.5-turbo, "
        "of which several versions answered it: 1, 2"
    )
    assert len(told) == 4


def test_verdicts_about_one_of_two_models_of_a_family_are_refused(tmp_path):
    folder = fair(tmp_path / "f", "VICUNA13B\nTIE\n")
    write(
        folder / "more.jsonl", {"question_id": 1, "answer_id": "x", "model_id": "gpt-3.5-turbo-16k:1", "text": "well"}
    )
    (told,) = refusal("faireval", folder)
    assert "does not say which of gpt-3.5-turbo, gpt-3.5-turbo-16k it is about" in told


def test_a_verdict_that_changed_is_refused_and_the_record_stays(tmp_path):
    folder = fair(tmp_path / "f", "VICUNA13B\nTIE\n")
    load("faireval", folder)
    (folder / "review.txt").write_text("VICUNA13B\nCHATGPT\n")
    (told,) = refusal("faireval", folder)
    assert told == f"{folder}/review.txt:2: verdict: on question 2 differs from the vote already there"
    assert sorted(abs(row.value) for row in Preference.objects.all()) == [0, 1]


def test_one_verdict_told_twice_is_refused(tmp_path):
    folder = fair(tmp_path / "f", "VICUNA13B\nTIE\n")
    (folder / "review2.txt").write_text("VICUNA13B\nTIE\n")
    assert refusal("faireval", folder) == [
        f"{folder}/review2.txt:1: verdict: is a duplicate of review.txt:1",
        f"{folder}/review2.txt:2: verdict: is a duplicate of review.txt:2",
    ]


def test_published_votes_are_not_put_into_the_mouth_of_a_judge_of_ours(tmp_path):
    folder = fair(tmp_path / "f", "VICUNA13B\nTIE\n")
    Judge.objects.create(name="FairEval annotators", kind="rule")
    (told,) = refusal("faireval", folder)
    assert told == f"{folder}/review.txt:1: judge: FairEval annotators is there as a judge of another kind (rule)"


def test_verdicts_that_come_later_are_about_the_questions_that_are_there(tmp_path):
    folder = fair(tmp_path / "f", "VICUNA13B\nTIE\n")
    files = [path for path in folder.iterdir() if path.name != "review.txt"]
    load("faireval", *files, benchmark="tests")
    assert loaded_twice("faireval", folder / "review.txt", benchmark="tests")["new votes"] == 2
    (told,) = refusal("faireval", folder / "review.txt", benchmark="elsewhere")
    assert told.startswith(f"{folder}/review.txt:1: verdict: is about a question that is not here")


def test_verdicts_that_do_not_fit_their_questions_are_refused(tmp_path):
    assert refusal("faireval", fair(tmp_path, "TIE\n")) == [
        f"{tmp_path}/review.txt:1: verdict: has no question that it is surely about: the file has 1 verdicts for 2 "
        "questions, it is the last, and questions are left"
    ]
    assert refusal("faireval", fair(tmp_path, "TIE\nDRAW\n")) == [
        f"{tmp_path}/review.txt:2: verdict: is 'DRAW', not one of CHATGPT, VICUNA13B, TIE"
    ]
    assert refusal("faireval", fair(tmp_path, "TIE\nTIE\n", silent="vicuna-13b:12")) == [
        f"{tmp_path}/review.txt:2: verdict: is about question 2, to which vicuna-13b gave no answer"
    ]
    (tmp_path / "answer.jsonl").unlink()
    assert refusal("faireval", tmp_path)[0] == (
        f"{tmp_path}/review.txt:1: verdict: names a model whose answers are not here"
    )
    assert refusal("faireval", tmp_path / "absent.txt") == [f"{tmp_path}/absent.txt: there is no such file"]


# --- published formats, the real files


def twice(format_: str, *paths: Path, **options) -> dict:
    """The counts of the first load; the second may find nothing new."""
    counts = Counter(load(format_, *paths, **options)["counts"])
    again = Counter(load(format_, *paths, **options)["counts"])
    assert not any(n for what, n in again.items() if what.startswith("new"))
    return counts


def test_mt_bench_as_published(shared):
    folder = shared / "data" / "mt_bench"
    files = ("question.jsonl", "reference_answer_gpt-4.jsonl", "model_answer_phi-3.jsonl")
    counts = twice("mt_bench", *(folder / name for name in files), benchmark="mt_bench")
    assert (counts["new questions"], counts["new answers"]) == (80, 80)
    questions = {question.key: question for question in Question.objects.all()}
    assert all(len(question.turns) == 2 for question in questions.values())
    published = [json.loads(line) for line in (folder / files[1]).read_text().splitlines()]
    assert len(published) == 30
    assert all(questions[str(row["question_id"])].reference == row["choices"][0]["turns"] for row in published)
    assert {answer.model.name for answer in Answer.objects.select_related("model")} == {"phi-3"}


def test_llmuses_as_published(shared):
    folder = shared / "data" / "llmuses"
    counts = twice("llmuses", folder / "question.jsonl", folder / "answers", benchmark="llmuses")
    assert counts["new questions"] == 80
    models = LanguageModel.objects.all()
    assert {model.name: model.answers.count() for model in models} == dict.fromkeys(
        ("chatglm2-6b", "gpt-3.5-turbo", "llama2-7b", "text_davinci_003"), 80
    )
    assert models.get(name="gpt-3.5-turbo").version == "20230327"
    assert Category.objects.count() == 9


def test_faireval_as_published(shared):
    counts = twice("faireval", shared / "data" / "faireval")
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (80, 160, 80)
    won = Counter(
        row.value if row.battle.first.model.name.startswith("gpt") else -row.value
        for row in Preference.objects.select_related("battle__first__model")
    )
    assert (won[1], won[0], won[-1]) == (41, 14, 25)


def test_a_whole_published_folder_loads_and_says_what_it_leaves_out(shared):
    for name, counts in {
        "mt_bench": {"new questions": 80, "new answers": 80, "judgments left out": 235, "prompts left out": 8},
        "llmuses": {"new questions": 80, "new answers": 320, "judgments left out": 640},
    }.items():
        report = Report()
        batch = FORMATS[name]([shared / "data" / name], report)
        assert write_rows(batch, Target(name), report)
        assert {what: report.counts[what] for what in counts} == counts
        assert any("left out" in note for note in report.notes)


@pytest.mark.parametrize(
    ("format_", "content"), [("arena", ""), ("arena", "[]"), ("alpaca_eval", "[ ]\n"), ("juryroom", "\n\n")]
)
def test_files_without_rows_are_refused_and_make_no_benchmark(tmp_path, format_, content):
    file = tmp_path / "empty.json"
    file.write_text(content)
    (told,) = refusal(format_, file)
    assert told in (f"{file}: is empty", f"{file}: holds no rows")
