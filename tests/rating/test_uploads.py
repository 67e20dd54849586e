"""Files brought in the browser: looked at, reported on, loaded whole or not at all, and never trusted."""

from __future__ import annotations

import gzip
import json

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from arena.models import Answer, Benchmark, Category, LanguageModel, Question, Upload
from judging.models import Grade, Judge, Preference
from rating import tasks, uploading
from rating.models import Score
from rating.upload_examples import EXAMPLES
from tests.arena.loading_files import state
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

QUESTION = {"key": "q1", "category": "tea", "turns": ["How hot is the water for green tea?"]}
ANSWER = {"question": "q1", "model": "Finch", "version": "2", "vendor": "Northmoor", "turns": ["About 80 °C."]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where uploads lie during a test."""
    monkeypatch.setattr(Upload._meta.get_field("file"), "storage", FileSystemStorage(location=tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def lead(client):
    client.force_login(make.person("lee", "lead"))
    return client


def lines(*rows) -> bytes:
    return "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows).encode()


def bring(client, *files: tuple[str, bytes], **fields):
    """Upload these files for the benchmark "pantry" and return the page of the first."""
    told = {"name": "pantry", "version": "1", "language": "en", **fields}
    brought = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post(reverse("upload_new"), {**told, "files": brought}, follow=True)


def problems(response) -> list[tuple[int, str, str]]:
    return [(one["line"], one["field"], one["problem"].text) for one in response.context["problems"]]


def load(client, upload, **fields):
    return client.post(reverse("upload_load", args=[upload.pk]), fields, follow=True)


# --- looking


def test_nothing_is_written_before_the_lead_presses_load(lead):
    before = state()
    page = bring(lead, ("questions.jsonl", lines(QUESTION)), ("answers.jsonl", lines(ANSWER)))
    assert page.status_code == 200 and state() == before
    assert {one.status for one in Upload.objects.all()} == {"checked"}
    load(lead, page.context["upload"], all="1")
    assert Question.objects.get().key == "q1" and Answer.objects.get().model.name == "Finch"


def test_the_report_says_what_would_be_new_and_what_is_there(lead):
    first = bring(lead, ("questions.jsonl", lines(QUESTION)))
    assert first.context["counts"]["new"] == [("new questions", 1)]
    assert first.context["told"]["new_categories"] == ["tea"]
    load(lead, first.context["upload"])
    again = bring(lead, ("questions.jsonl", lines(QUESTION, {**QUESTION, "key": "q2"})))
    assert again.context["counts"]["new"] == [("new questions", 1)]
    assert again.context["counts"]["there"] == [("questions already there", 1)]
    assert again.context["told"]["new_categories"] == []


def test_answers_are_checked_against_the_questions_that_came_in_the_same_go(lead):
    page = bring(lead, ("a.jsonl", lines(ANSWER)), ("q.jsonl", lines(QUESTION)))
    group = [row.upload.name for row in page.context["group"]]
    assert group == ["q.jsonl", "a.jsonl"]
    answers = lead.get(reverse("upload", args=[Upload.objects.get(name="a.jsonl").pk]))
    assert answers.context["counts"]["new"] == [("new answers", 1)]
    assert answers.context["told"]["models"][0]["is_new"]


def test_loading_the_answers_alone_loads_the_questions_before_them(lead):
    bring(lead, ("a.jsonl", lines(ANSWER)), ("q.jsonl", lines(QUESTION)))
    load(lead, Upload.objects.get(name="a.jsonl"))
    assert Question.objects.count() == Answer.objects.count() == 1
    assert {one.status for one in Upload.objects.all()} == {"loaded"}


def test_every_problem_is_told_with_file_line_and_field(lead):
    page = bring(lead, ("q.jsonl", lines(QUESTION, {"key": "q2", "turns": []}, "no json\n")))
    assert page.context["upload"].status == "refused"
    assert [(line, field) for line, field, _text in problems(page)] == [(2, "category"), (2, "turns"), (3, "")]
    assert {one["file"] for one in page.context["upload"].report["problems"]} == {"q.jsonl"}
    load(lead, page.context["upload"])
    assert not Question.objects.exists()


def test_many_problems_are_capped_and_the_rest_is_counted(lead):
    page = bring(lead, ("q.jsonl", lines(*[{"key": f"q{n}"} for n in range(300)])))
    assert len(problems(page)) == uploading.SHOWN and page.context["n_problems"] == 600
    assert "and 400 more" in page.text


def test_the_first_rows_are_shown_and_cannot_run(lead):
    page = bring(lead, ("q.jsonl", lines({**QUESTION, "turns": ["<script>alert(1)</script>"]})))
    assert "&lt;script&gt;alert(1)" in page.text and "<script>alert" not in page.text


def test_the_same_bytes_twice_are_told(lead):
    bring(lead, ("q.jsonl", lines(QUESTION)))
    page = bring(lead, ("other.jsonl", lines(QUESTION)))
    assert [twin.name for twin in page.context["twins"]] == ["q.jsonl"] and "The very same bytes" in page.text


def test_a_file_read_the_wrong_way_can_be_read_anew(lead):
    page = bring(
        lead,
        (
            "a.jsonl",
            lines({"question": "q1", "turns": ["Hot."]}),
        ),
        ("q.jsonl", lines(QUESTION)),
    )
    answers = Upload.objects.get(name="a.jsonl")
    assert answers.status == "refused"
    told = {"name": "pantry", "version": "1", "model": "Finch", "model_version": "2", "vendor": "Northmoor"}
    page = lead.post(reverse("upload_check", args=[answers.pk]), told, follow=True)
    assert page.context["upload"].status == "checked" and page.context["counts"]["new"] == [("new answers", 1)]


def test_a_frozen_benchmark_takes_answers_and_no_questions(lead):
    benchmark = make.benchmark()
    make.question(benchmark, "q1", category=make.category("tea"))
    benchmark.freeze()
    page = bring(lead, ("q.jsonl", lines({**QUESTION, "key": "q9"})), benchmark=benchmark.pk)
    assert "frozen" in problems(page)[0][2]
    assert bring(lead, ("a.jsonl", lines(ANSWER)), benchmark=benchmark.pk).context["upload"].status == "checked"


# --- what only the names of folders tell

REVIEW = {"index": 0, "target": [""], "messages": [{"role": "user", "content": "Name a tree."}],
          "sample_score": {"score": {"value": {"acc": 1}, "prediction": "Ash."}}}  # fmt: skip
JUDGED = {"input": "Name a tree.", "output_1": "Ash.", "output_2": "A chair.", "label": 1,
          "results": [{"swap = False": {"winner": "1"}, "swap = True": {"winner": "2"}}]}  # fmt: skip
RESULT = {"0": {"prediction": "[[A]]", "gold": {"question": "One?", "answer1": "ash", "answer2": "birch"}}}
WHO = {"model": "Finch", "model_version": "2", "vendor": "Northmoor"}


@pytest.mark.parametrize(
    ("format_", "name", "body", "asked", "said", "key"),
    [
        ("evalscope", "Trees.easy.jsonl", lines(REVIEW), ["model"], WHO, "Trees.easy-0"),
        ("llmbar", "result.json", json.dumps([JUDGED]).encode(), ["subset"], {"subset": "N", "judge": "owl"}, "N-1"),
        ("llmbar", "result.json", json.dumps([JUDGED]).encode(), ["judge"], {"subset": "N"}, ""),
        ("opencompass", "lines.json", json.dumps(RESULT, indent=4).encode(), ["judge"], {"judge": "owl"}, "lines-1"),
    ],
)
def test_an_upload_asks_for_what_its_folder_would_have_told(lead, format_, name, body, asked, said, key):
    first = {} if key else said
    page = bring(lead, (name, body), format=format_, **first)
    assert [field for _line, field, _text in problems(page)] == asked
    assert all("--" in text and "of an upload" in text for _line, _field, text in problems(page))
    said = {"judge": "owl", **said}
    page = lead.post(
        reverse("upload_check", args=[page.context["upload"].pk]),
        {"name": "pantry", "version": "1", "format": format_, **said},
        follow=True,
    )
    load(lead, page.context["upload"])
    assert Upload.objects.get().status == "loaded" and Question.objects.get().key == (key or "N-1")
    assert not Judge.objects.filter(name__regex="[0-9a-f]{12}").exists()
    assert not LanguageModel.objects.filter(name__regex="[0-9a-f]{12}").exists()


def test_results_that_are_one_object_are_told_by_their_content(lead):
    page = bring(lead, ("lines.json", json.dumps(RESULT, indent=4).encode()), judge="owl")
    assert (page.context["upload"].format, page.context["upload"].status) == ("opencompass", "checked")


def test_answers_that_do_not_say_who_gave_them_are_the_uploads_own_names(lead):
    question = {"question_id": 81, "category": "writing", "turns": ["Write."]}
    answer = {"question_id": 81, "choices": [{"index": 0, "turns": ["So."]}]}
    page = bring(lead, ("question.jsonl", lines(question)), ("Qwen2.5-7B.Chat.jsonl", lines(answer)), format="mt_bench")
    load(lead, page.context["upload"], all="1")
    assert Answer.objects.get().model.name == "Qwen2.5-7B.Chat"


def test_votes_that_were_exported_are_told_by_their_content(lead):
    vote = {"question": "q1", "judge": "person 1", "kind": "person", "status": "ok", "value": 1, "run": 3,
            "first": "Finch", "second": "Wren", "swapped": False, "both_bad": False}  # fmt: skip
    page = bring(lead, ("votes.jsonl", lines(vote)))
    assert (page.context["upload"].format, page.context["upload"].status) == ("juryroom", "checked")
    load(lead, page.context["upload"])
    assert Judge.objects.get(kind="imported_person").name == "person 1 of run 3"


@pytest.mark.parametrize("content", [b"[]", b"\n\n", b"[ ]\n"])
def test_a_file_without_rows_makes_no_benchmark(lead, content):
    page = bring(lead, ("questions.json", content), format="arena")
    assert page.context["upload"].status == "refused" and not Benchmark.objects.exists()


# --- formats


def test_tables_say_the_same_as_lines(lead):
    table = b"key,category,turn_1,turn_2,tags\nq1,tea,How hot?,And how long?,hot; short\n"
    page = bring(lead, ("q.csv", table))
    load(lead, page.context["upload"])
    question = Question.objects.get()
    assert question.turns == ["How hot?", "And how long?"] and question.tags == ["hot", "short"]


@pytest.mark.parametrize(
    ("table", "line", "field", "words"),
    [
        (b"key,category,turns\nq1,tea\n", 2, "", "has 2 cells, and the head has 3"),
        (b"key,key,turns\nq1,q1,x\n", 1, "key", "stands twice"),
        (b"key,,turns\nq1,tea,x\n", 1, "", "has no name"),
        (b'key,category,turns\nq1,tea,"open\n', 2, "", "is no CSV"),
        (b'key,category,turns,checks\nq1,tea,x,"{"\n', 2, "checks", "is not JSON"),
        (b"question,turns,model,version,vendor,seconds\nq1,x,F,1,N,soon\n", 2, "seconds", "not a number"),
        (b"key,category,turns\nq1,tea," + b"x" * 140_000 + b"\n", 2, "", "longer than 131,072 characters"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_by_its_line(lead, table, line, field, words):
    told = problems(bring(lead, ("q.csv", table)))
    assert any((at, name) == (line, field) and words in text for at, name, text in told), told


def test_cells_that_begin_like_formulas_are_text_and_are_told(lead):
    page = bring(lead, ("q.csv", b'key,category,turns\nq1,tea,"=HYPERLINK(""http://x"")"\nq2,tea,-5\n'))
    assert page.context["upload"].status == "checked"
    assert [note.text for note in page.context["notes"] if "formula" in note.text] == [
        "q.csv:2: turns: begins like a formula; such cells are taken as text"
    ]


PUBLISHED = {
    "mt_bench": {"question_id": 81, "category": "writing", "turns": ["Write.", "Rewrite."]},
    "alpaca_eval": {"instruction": "Say hello.", "output": "Hello.", "generator": "Finch", "dataset": "x"},
    "arena": {"question_id": "a1", "model_a": "F", "model_b": "G", "winner": "model_a", "judge": "u", "turn": 1,
              "conversation_a": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a"}],
              "conversation_b": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "b"}]},
}  # fmt: skip


@pytest.mark.parametrize("format_", PUBLISHED)
def test_the_format_is_guessed_from_the_content(lead, format_):
    body = json.dumps([PUBLISHED[format_]]).encode() if format_ != "mt_bench" else lines(PUBLISHED[format_])
    page = bring(lead, (f"some.{'jsonl' if format_ == 'mt_bench' else 'json'}", body))
    assert page.context["upload"].format == format_ and page.context["upload"].status == "checked"


def test_our_own_files_stay_ours_though_their_rows_have_faults(lead):
    page = bring(lead, ("a.jsonl", lines(ANSWER, "no json\n", {"question": "x", "turns": ["y"]}, {"question": "z"})))
    assert page.context["upload"].format == "juryroom"
    assert (3, "model", "is missing") in problems(page)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "scores.csv"])
def test_each_example_that_we_give_out_can_be_loaded_as_it_is(lead, name):
    got = lead.get(reverse("upload_example", args=[name]))
    assert got["Content-Disposition"] == f'attachment; filename="{name}"'
    kind = name.partition(".")[2]
    files = [(f"questions.{kind}", got.content)] if name.startswith("q") else []
    if not files:
        questions = lead.get(reverse("upload_example", args=[f"questions.{kind}"])).content
        files = [(f"questions.{kind}", questions), (name, got.content)]
    page = bring(lead, *files)
    assert {one.status for one in Upload.objects.all()} == {"checked"}, page.context["upload"].report["problems"]
    load(lead, page.context["upload"], all="1")
    assert Question.objects.count() >= 2 and (Answer.objects.count() == 2) == (name.startswith("a"))


def test_a_table_of_scores_is_known_and_loaded(lead):
    LanguageModel.objects.create(name="Finch", version="2", vendor="Northmoor")
    page = bring(lead, ("scores.csv", EXAMPLES["scores.csv"].encode()))
    assert page.context["upload"].format == "scores"
    assert page.context["counts"]["new"] == [("new scores", 2)] and not Score.objects.exists()
    load(lead, page.context["upload"])
    assert Score.objects.count() == 2
    bad = bring(lead, ("s.csv", b"model,benchmark,metric,value,source\nFinch,x,acc,high,we\nNobody,x,acc,1,we\n"))
    assert problems(bad) == [(2, "value", "is not a number: 'high'")]


# --- verdicts whose files do not hold what they are about

PAIR = {"scenario": "planning", "label": 0, "prompt": "Plan my day.", "response 1": "Sleep.", "response 2": "Work."}
AUTO_J = {
    "owl_exchange_output.jsonl": lines({"output": 1}, {"output": 1}),
    "owl_output.jsonl": lines({"output": 0}, {"output": 1}),
    "pairs.jsonl": lines(PAIR, {**PAIR, "prompt": "Plan my night."}),
}
NOTE = {
    "idx": 0, "motivation_app": "Notes", "cmp_key": "ash_birch", "instruction": "Shorten this.", "input": "",
    "response1": "Wet.", "response2": "Dry.", "annotator1": "1", "annotator2": "0", "annotator3": "2",
}  # fmt: skip
PANDALM = {
    "judge.json": json.dumps([{"idx": 0, "gpt_result": "1"}]).encode(),
    "testset.json": json.dumps([NOTE]).encode(),
}
FAIR = {
    "a_review.txt": b"CHATGPT\nTIE\n",
    "ash.jsonl": lines(
        *({"question_id": n, "answer_id": f"a{n}", "model_id": "gpt-3.5-turbo:1", "text": "x"} for n in (1, 2))
    ),
    "fir.jsonl": lines(
        *({"question_id": n, "answer_id": f"b{n}", "model_id": "vicuna-13b:1", "text": "y"} for n in (1, 2))
    ),
    "question.jsonl": lines(*({"question_id": n, "text": f"Why {n}?", "category": "tea"} for n in (1, 2))),
}
APART = [("auto_j", AUTO_J, 6), ("pandalm", PANDALM, 4), ("faireval", FAIR, 2)]


@pytest.mark.parametrize(("format_", "files", "n"), APART)
@pytest.mark.parametrize("is_told", [True, False])
def test_files_of_one_go_are_joined_whichever_comes_first(lead, format_, files, n, is_told):
    page = bring(lead, *files.items(), format=format_ if is_told else "")
    found = {one.name: (one.status, one.report["problems"]) for one in Upload.objects.all()}
    assert {status for status, _problems in found.values()} == {"checked"}, found
    load(lead, page.context["upload"], all="1")
    assert Preference.objects.count() == n
    if format_ == "auto_j":
        run = Preference.objects.filter(judge__name="owl_output").values_list("run__order", flat=True)
        assert list(run) == ["both"] * 4


@pytest.mark.parametrize(("format_", "files", "n"), APART)
def test_verdicts_that_come_later_are_about_what_their_benchmark_holds(lead, format_, files, n):
    verdicts = sorted(name for name in files if "output" in name or name in ("judge.json", "a_review.txt"))
    first = bring(lead, *((name, content) for name, content in files.items() if name not in verdicts), format=format_)
    load(lead, first.context["upload"], all="1")
    page = bring(lead, *((name, files[name]) for name in verdicts))
    assert page.context["upload"].format == format_
    load(lead, page.context["upload"], all="1")
    assert Preference.objects.count() == n


def test_verdicts_without_their_pairs_are_refused_with_line_and_field(lead):
    page = bring(lead, ("owl_output.jsonl", AUTO_J["owl_output.jsonl"]))
    [(line, field, text)] = problems(page)
    assert (line, field) == (1, "output") and text.startswith("is about a pair that is not here")


# --- leaderboards that others publish

LEADERBOARD = (
    ",win_rate,standard_error,n_wins,n_wins_base,n_draws,n_total,discrete_win_rate,mode,avg_length,length_controlled_winrate,"
    "lc_standard_error\nFinch,20.5,1.25,19,80,1,100,19.5,verified,900,25.5,\nNobody,10,1,10,90,0,100,10,community,800,,\n"
)


def test_a_published_leaderboard_is_loaded_as_figures_of_the_models_that_are_here(lead):
    LanguageModel.objects.create(name="Finch", version="2", vendor="Northmoor")
    page = bring(lead, ("leaderboard.csv", LEADERBOARD.encode()), name="AlpacaEval of May")
    assert page.context["upload"].format == "scores"
    assert page.context["counts"]["new"] == [("new scores", 5)]
    assert bring(lead, ("l.csv", LEADERBOARD.encode()), format="alpaca_eval").context["upload"].status == "checked"
    load(lead, page.context["upload"])
    assert not Preference.objects.exists() and not Grade.objects.exists()
    told = {one.metric: (one.value, one.unit, one.n, one.benchmark, one.provenance) for one in Score.objects.all()}
    assert told["discrete win rate"] == (19.5, "%", 100, "AlpacaEval of May", "imported")
    assert told["standard error of the win rate"] == (1.25, "points", None, "AlpacaEval of May", "imported")


# --- files that mean harm, or are merely wrong


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("book.xlsx", b"PK\x03\x04" + b"x" * 50, "spreadsheet"),
        ("q.jsonl", b"\x89PNG\r\n\x00\x01", "binary"),
        ("q.jsonl", '{"key": "问题"}'.encode("gb18030"), "not UTF-8"),
        ("q.csv", "key,category".encode("utf-16"), "UTF-16"),
        ("q.jsonl", b"[" * 100_000, "is not JSON: nested too deep"),
        ("q.jsonl", b'{"key": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001, "nested too deep"),
        ("q.jsonl", b'{"key": NaN, "category": "x", "turns": ["x"]}\n', "NaN is no number"),
        ("q.jsonl", b'{"key": "a\\u0000", "category": "x", "turns": ["x"]}\n', "NUL"),
        ("q.jsonl.gz", b"not packed at all", "cannot be read"),
        ("q.jsonl", b"   \n \n", "is empty"),
        ("q.jsonl", b"\x1f\x8b" + b"x" * 20, "gzip"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_in_one_clear_sentence(lead, name, content, words):
    page = bring(lead, (name, content))
    assert page.context["upload"].status == "refused"
    assert any(words in text for _line, _field, text in problems(page)), problems(page)


def test_a_packed_file_that_never_ends_is_refused_before_it_fills_the_memory(lead, monkeypatch):
    monkeypatch.setattr("rating.guessing.MOST_UNPACKED", 3_000_000)
    page = bring(lead, ("q.jsonl.gz", gzip.compress(b" " * 1000 + b"x" * 8_000_000)))
    assert "unpacks to more than" in problems(page)[0][2]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "/abs/q.jsonl",
        "???.jsonl",
        "题" * 300 + ".jsonl",
        ".jsonl",
        "a b;c.JSONL",
    ],
)
def test_no_name_leads_out_of_the_folder(lead, folder, name):
    upload = uploading.keep(_named(name), options={"benchmark": "x"})
    path = folder.resolve() / upload.file.name
    assert path.resolve().is_relative_to(folder.resolve()) and path.exists()
    assert "/" not in upload.name and "\\" not in upload.name


def _named(name: str):
    file = SimpleUploadedFile("x", lines(QUESTION))
    file._name = name
    return file


def test_where_the_file_lies_is_told_to_nobody(lead, folder):
    page = bring(lead, ("q.jsonl", b"no json"))
    assert str(folder) not in page.text and "/20" not in problems(page)[0][2]


def test_a_file_that_is_too_large_is_refused_and_the_input_is_kept(lead, monkeypatch):
    monkeypatch.setattr("rating.upload_form.MOST_BYTES", 10)
    page = bring(lead, ("q.jsonl", lines(QUESTION)), title="My title")
    assert page.status_code == 422 and "at most 10" in page.text and 'value="My title"' in page.text
    assert not Upload.objects.exists()


def test_a_reader_that_stumbles_is_our_fault_and_says_so(lead, monkeypatch):
    page = bring(lead, ("q.jsonl", lines(QUESTION)))
    monkeypatch.setattr("rating.upload_contents.read", lambda *_: 1 / 0)
    load(lead, page.context["upload"])
    upload = Upload.objects.get()
    assert upload.status == "failed" and upload.error.startswith("ZeroDivisionError")
    assert upload.error in lead.get(reverse("upload", args=[upload.pk])).text


# --- loading, deleting, who may


def test_a_second_press_of_load_loads_nothing_twice(lead):
    upload = bring(lead, ("q.jsonl", lines(QUESTION))).context["upload"]
    assert uploading.claim(upload) and not uploading.claim(upload)


def test_what_changed_since_the_look_is_checked_once_more(lead):
    upload = bring(lead, ("q.jsonl", lines(QUESTION))).context["upload"]
    make.question(make.benchmark("pantry", version="1"), "q1", "Something else?")
    page = load(lead, upload)
    assert page.context["upload"].status == "refused" and "differs" in problems(page)[0][2]
    assert Question.objects.count() == 1


def test_a_large_file_is_left_to_a_worker(lead, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr("rating.uploading.SMALL", 1)
    rung = []
    monkeypatch.setattr(tasks.check_uploads, "delay", lambda ids: rung.append(ids))
    monkeypatch.setattr(tasks.load_uploads, "delay", lambda ids: rung.append(ids))
    with django_capture_on_commit_callbacks(execute=True):
        page = bring(lead, ("q.jsonl", lines(QUESTION)))
    upload = page.context["upload"]
    assert rung == [[upload.pk]] and page.context["is_at_work"] and 'hx-trigger="load delay:2s"' in page.text
    tasks.check_uploads([upload.pk])
    with django_capture_on_commit_callbacks(execute=True):
        assert load(lead, upload).context["is_at_work"]
    tasks.load_uploads([upload.pk])
    fragment = lead.get(reverse("upload", args=[upload.pk]), headers={"HX-Request": "true"})
    assert fragment.text.lstrip().startswith("<section") and "What was loaded" in fragment.text


def test_an_upload_that_nobody_works_on_any_more_can_be_looked_at_again(lead):
    upload = bring(lead, ("q.jsonl", lines(QUESTION))).context["upload"]
    options = {**upload.options, "since": "2020-01-01T00:00:00+00:00"}
    Upload.objects.update(status="loading", options=options)
    assert "Nobody is at work" in lead.get(reverse("upload", args=[upload.pk])).text
    page = lead.post(reverse("upload_check", args=[upload.pk]), {"name": "pantry", "version": "1"}, follow=True)
    assert page.context["upload"].status == "checked"


def test_deleting_takes_the_file_and_leaves_what_was_loaded(lead, folder, django_capture_on_commit_callbacks):
    upload = bring(lead, ("q.jsonl", lines(QUESTION))).context["upload"]
    load(lead, upload)
    with django_capture_on_commit_callbacks(execute=True):
        lead.post(reverse("upload_delete", args=[upload.pk]))
    assert not Upload.objects.exists() and not [path for path in folder.rglob("*") if path.is_file()]
    assert Question.objects.count() == 1


def test_without_a_benchmark_nothing_goes_up(lead):
    page = bring(lead, ("q.jsonl", lines(QUESTION)), name="")
    assert page.status_code == 422 and "Choose a benchmark, or name a new one." in page.text


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_takes_the_same_queries_for_one_file_and_for_twenty(lead, count, django_assert_num_queries):
    for n in range(count):
        Upload.objects.create(file="x", name=f"{n}.jsonl", size=1, digest="", format="juryroom", status="loaded")
    lead.get(reverse("uploads"))
    with django_assert_num_queries(6):
        lead.get(reverse("uploads"))


def test_only_leads_come_here(client):
    upload = Upload.objects.create(file="x", name="x", size=1, digest="", format="juryroom", status="checked")
    here = [reverse("uploads"), reverse("upload_new"), reverse("upload", args=[upload.pk])]
    acts = [reverse(name, args=[upload.pk]) for name in ("upload_check", "upload_load", "upload_delete")]
    assert all(client.get(path).status_code == 302 for path in here)
    client.force_login(make.person("ann", "annotator", "viewer"))
    assert all(client.get(path).status_code == 403 for path in here)
    assert all(client.post(path).status_code == 403 for path in acts)
    assert Upload.objects.filter(status="checked").exists()


def test_nothing_is_left_of_a_look_at_verdicts(lead):
    before = state()
    page = bring(lead, ("votes.json", json.dumps([PUBLISHED["arena"]]).encode()))
    assert ("new votes", 1) in page.context["counts"]["new"] and state() == before
    assert not Benchmark.objects.exists() and not Category.objects.exists()
