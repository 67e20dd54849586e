"""A run's votes as files for others, and back again: whole, streamed, without names, with what was left out told."""

from __future__ import annotations

import csv
import io
import json
import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.db import connection
from django.template.loader import render_to_string
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from arena.loading import own_judgments
from arena.models import UNPUBLISHED, Answer, Benchmark, LanguageModel, Question
from judging.assignment import judge_of
from judging.exporting import FORMATS, CannotExport, Report, Wanted, formats_of
from judging.exporting.dpo import label_of
from judging.exporting.items import items
from judging.models import Assignment, AuditEntry, Grade, Judge, KeptOut, Preference, Rubric, Run, Status
from judging.voting_items import pool
from tests.arena.loading_files import load, refusal, write
from tests.judging import voting

pytestmark = pytest.mark.django_db
A, B, TIE = {"value": 1}, {"value": -1}, {"value": 0}
BAD = {"value": 0, "both_bad": True}


@pytest.fixture
def run():
    return voting.open_run(questions=3)


def people(*names: str) -> list[Judge]:
    return [voting.judge(name) for name in names]


def say(run: Run, judge: Judge, item=0, **told) -> Preference | Grade:
    """A judgment on the run's item of this number; "ok" unless told otherwise."""
    row = list(pool(run).order_by("pk"))[item]
    table, field = (Grade, "answer") if run.is_single else (Preference, "battle")
    return table.objects.create(judge=judge, rubric=run.rubric, run=run, **{field: row}, **{"status": "ok", **told})


def machine(name: str = "rule") -> Judge:
    return Judge.objects.create(name=name, kind=Judge.Kind.RULE)


def text(run: Run, format_: str, report: Report | None = None, **wanted) -> str:
    return "".join(FORMATS[format_].write(run, Wanted(**wanted), report or Report()))


def lines(run: Run, format_: str, report: Report | None = None, **wanted) -> list[dict]:
    return [json.loads(line) for line in text(run, format_, report, **wanted).splitlines()]


def export(run: Run, format_: str, file: Path, **options) -> str:
    out = StringIO()
    call_command("export_votes", run.pk, format=format_, output=file, stdout=out, **options)
    return out.getvalue()


# ---- Label Studio, there and back


def said(benchmark: str) -> list[tuple]:
    """Every vote on a benchmark as it was shown, whoever cast it."""
    rows = Preference.objects.filter(battle__question__benchmark__name=benchmark, kept_out="").select_related(
        "battle__first__model", "battle__second__model", "battle__question"
    )
    return sorted(
        (
            row.battle.question.key,
            row.battle.shown(swapped=row.swapped)[0].model.name,
            row.value_shown,
            row.both_bad,
            row.turn,
            row.created_at,
        )
        for row in rows
    )


def test_votes_written_for_label_studio_and_loaded_again_are_the_same_votes(run, tmp_path):
    ann, bob = people("ann", "bob")
    for number, (told, swapped) in enumerate([(A, False), (BAD, True), ({"value": -2}, True)]):
        say(run, ann, number, swapped=swapped, **told)
    say(run, bob, 0, **TIE)
    say(run, bob, 1, **B, reasons=["style"], note="dull", scores={"right": -1, "kind": 0})
    file = tmp_path / "tasks.json"
    export(run, "label_studio", file)
    before = said("tiny")
    counts = load("label_studio", file, kind="judgments", benchmark="copy")["counts"]
    assert counts["new votes"] == 5
    assert said("copy") == before != []
    assert load("label_studio", file, kind="judgments", benchmark="copy")["counts"]["votes already there"] == 5
    copied = Preference.objects.filter(battle__question__benchmark__name="copy")
    assert set(copied.values_list("judge__name", flat=True)) == {"annotator 1", "annotator 2"}
    assert set(Answer.objects.values_list("model__name", "model__version").distinct()) == {
        ("Zephyrion", "v0.77"),
        ("Blatherskite", "v1.77"),
    }


def test_votes_on_each_turn_come_back_to_their_turns(tmp_path):
    run = voting.open_run(questions=1, turns=2)
    (ann,) = people("ann")
    say(run, ann, turn=1, **A)
    say(run, ann, turn=2, **B)
    file = tmp_path / "tasks.json"
    export(run, "label_studio", file)
    load("label_studio", file, benchmark="copy")
    assert said("copy") == said("tiny")


def test_grades_written_for_label_studio_and_loaded_again_are_the_same_grades(tmp_path):
    run = voting.open_run(questions=2, mode="single")
    (ann,) = people("ann")
    for number in range(4):
        say(run, ann, number, score=1.5 + number / 2, scores={"right": 1 + number, "kind": 2.5})
    file = tmp_path / "tasks.json"
    export(run, "label_studio", file)
    load("label_studio", file, benchmark="copy")
    names = ("answer__question__key", "answer__model__name", "score", "scores")
    grades = Grade.objects.order_by(*names[:2])
    copied = grades.filter(answer__question__benchmark__name="copy").values_list(*names)
    assert list(copied) == list(grades.filter(run=run).values_list(*names))
    assert len(copied) == 4


def test_tasks_carry_side_choice_dimensions_reasons_note_and_time(run):
    (ann,) = people("ann")
    vote = say(run, ann, value=2, scores={"right": -1}, reasons=["style"], note="dull", swapped=True)
    Assignment.objects.create(
        run=run, judge=ann, battle=vote.battle, status="done", active_ms=2500, lease_until=vote.created_at
    )
    task = json.loads(text(run, "label_studio"))[0]
    (annotation,) = task["annotations"]
    assert (annotation["completed_by"], annotation["lead_time"]) == (1, 2.5)
    assert annotation["juryroom"] == {"turn": 0, "trial": 0, "swapped": True}
    assert [(one["from_name"], one["type"], one["value"]) for one in annotation["result"]] == [
        ("preference", "pairwise", {"selected": "left"}),
        ("verdict", "choices", {"choices": ["A much better"]}),
        ("dimension-right", "choices", {"choices": ["B better"]}),
        ("reasons", "choices", {"choices": ["style"]}),
        ("note", "textarea", {"text": ["dull"]}),
    ]
    assert (task["data"]["question_key"], task["data"]["category"]) == ("q0", "maths")


@pytest.mark.parametrize("mode", ["pairwise", "single"])
def test_the_interface_has_a_control_for_all_that_tasks_carry_and_shows_no_model(mode):
    run = voting.open_run(questions=1, mode=mode)
    told = (
        {"score": 2, "scores": {"right": 2.5, "kind": 3}} if mode == "single" else {"value": 1, "scores": {"right": 1}}
    )
    say(run, *people("ann"), reasons=["style"], note="dull", **told)
    view = ElementTree.fromstring(text(run, "label_studio_config"))
    names = {element.get("name") for element in view.iter()}
    task = json.loads(text(run, "label_studio"))[0]
    assert {one["from_name"] for one in task["annotations"][0]["result"]} <= names
    shown = {element.get("value") for element in view.iter("Text")}
    answers = {"$answer"} if mode == "single" else {"$answer_a", "$answer_b"}
    assert shown == {"$question"} | answers
    assert {name.removeprefix("$") for name in shown} <= set(task["data"])


def test_an_export_of_no_items_is_an_empty_list():
    run = voting.open_run(questions=0)
    assert json.loads(text(run, "label_studio")) == []


# ---- Argilla


def test_argilla_records_have_responses_by_user_and_suggestions_by_judge(run):
    ann, bob = people("ann", "bob")
    say(run, ann, **A, scores={"right": 2}, note="fine")
    say(run, bob, **BAD)
    say(run, machine(), value=-0.4)
    record = lines(run, "argilla", judges=True)[0]
    assert record["fields"].keys() == {"prompt", "response_a", "response_b"}
    first, second = record["responses"]
    assert first["values"] == {
        "preference": {"value": "A better"},
        "right": {"value": "A much better"},
        "note": {"value": "fine"},
    }
    assert second["values"] == {"preference": {"value": "both bad"}}
    assert {one["status"] for one in record["responses"]} == {"submitted"} and first["user_id"] != second["user_id"]
    assert record["suggestions"] == [{"question_name": "preference", "value": "B better", "agent": "rule"}]
    assert lines(run, "argilla")[0]["suggestions"] == []
    assert lines(run, "argilla")[0]["responses"] == record["responses"]


# ---- pairs for training


def label(run: Run, **wanted) -> object:
    return label_of(next(items(run, Wanted(**wanted), Report())), Wanted(**wanted))


@pytest.mark.parametrize(
    ("votes", "wanted", "told"),
    [
        ([A], {}, (True, "people", 1, 1.0)),
        ([B, B, A], {}, (False, "people", 3, 2 / 3)),
        ([A, A, B], {"agreement": 0.75}, "too few agree"),
        ([A, A, A, B], {"agreement": 0.75}, (True, "people", 4, 0.75)),
        ([A], {"minimum": 2}, "fewer votes than asked for"),
        ([A, B], {}, "a tie"),
        ([TIE, TIE, A], {}, "a tie"),
        ([BAD, BAD, A], {}, "both answers are bad"),
        ([A, A, TIE, B], {}, "too few agree"),
        ([A, A, TIE, B], {"agreement": 0.4}, "too few agree"),
        ([], {}, "nobody voted on it"),
    ],
)
def test_a_label_is_what_most_people_say_or_there_is_none_and_why(run, votes, wanted, told):
    for number, vote in enumerate(votes):
        say(run, voting.judge(f"p{number}"), **vote)
    found = label(run, **wanted)
    assert found == told if isinstance(told, str) else (found.is_first, found.by, found.n, found.share) == told


def test_an_adjudication_goes_before_the_people_and_judges_are_asked_last(run):
    ann, bob = people("ann", "bob")
    say(run, machine(), value=-1)
    assert label(run) == "nobody voted on it"
    assert (label(run, judges=True).by, label(run, judges=True).is_first) == ("judges", False)
    say(run, ann, **A)
    assert label(run, judges=True).by == "people"
    ruling = say(run, bob, **B, kept_out="adjudication")
    assert (label(run).by, label(run).is_first) == ("adjudication", False)
    Preference.objects.filter(pk=ruling.pk).update(value=0)
    assert label(run) == "a tie"


def test_pairs_are_texts_or_messages_and_all_left_out_is_counted(run):
    ann, bob = people("ann", "bob")
    say(run, ann, 0, **B)
    say(run, ann, 1, **TIE)
    say(run, bob, 1, **A, kept_out="leak")
    report = Report()
    (pair,) = lines(run, "dpo", report)
    assert (pair["chosen"], pair["rejected"]) == ("It is what text 1 says.", "It is what text 0 says.")
    assert (pair["prompt"], pair["chosen_model"]) == ("What is 0 plus 0?", "Blatherskite")
    assert (report.written, dict(report.left_out)) == (
        1,
        {"items: a tie": 1, "items: nobody voted on it": 1, "votes that ratings leave out: leak": 1},
    )
    (pair,) = lines(run, "dpo_messages")
    assert pair["prompt"] == [{"role": "user", "content": "What is 0 plus 0?"}]
    assert pair["chosen"] == [{"role": "assistant", "content": "It is what text 1 says."}]


def test_conversations_are_pairs_of_messages_only():
    run = voting.open_run(questions=1, turns=2)
    run.benchmark.questions.update(system="Be brief.")
    say(run, *people("ann"), **A)
    report = Report()
    assert lines(run, "dpo", report) == []
    assert dict(report.left_out) == {"items: several turns, which plain texts cannot hold": 1}
    (pair,) = lines(run, "dpo_messages")
    assert [one["role"] for one in pair["prompt"]] == ["system", "user"]
    assert [(one["role"], one["content"]) for one in pair["rejected"]] == [
        ("assistant", "It is what text 1 says."),
        ("user", "What is 0 plus 1?"),
        ("assistant", "It is what text 1 says."),
    ]


def test_two_answers_of_one_text_are_no_pair():
    run = voting.open_run(questions=1, text="Same.")
    say(run, *people("ann"), **A)
    report = Report()
    assert lines(run, "dpo", report) == []
    assert dict(report.left_out) == {"items: both answers are the same text": 1}


def test_single_answers_make_no_pairs():
    with pytest.raises(CannotExport, match="has no pairs"):
        text(voting.open_run(questions=1, mode="single"), "dpo")


@pytest.mark.parametrize("wanted", [{"minimum": 0}, {"agreement": 0}, {"agreement": 1.2}, {"agreement": float("nan")}])
def test_a_label_by_nobody_or_by_more_than_all_is_refused(wanted):
    with pytest.raises(CannotExport):
        Wanted(**wanted)


# ---- our own table


def test_the_table_has_every_vote_and_why_ratings_leave_it_out(run):
    ann, bob = people("ann", "bob")
    say(run, ann, **A, swapped=True, note="fine", reasons=["style"])
    say(run, bob, **B, kept_out="gold")
    gone = say(run, bob, 1, **B)
    Preference.objects.filter(pk=gone.pk).update(superseded_at=gone.created_at)
    say(run, machine(), value=0.5)
    report = Report()
    first, second = lines(run, "votes", report)
    assert (first["judge"], first["value"], first["swapped"], first["kept_out"]) == ("person 1", 1, True, "")
    assert (first["question"], first["first"], first["second"]) == ("q0", "Zephyrion", "Blatherskite")
    assert (second["judge"], second["kept_out"]) == ("person 2", "gold")
    assert (report.written, report.left_out["votes changed or taken back since"]) == (2, 1)
    assert [row["judge"] for row in lines(run, "votes", judges=True)] == ["person 1", "person 2", "rule"]
    assert [row["judge"] for row in lines(run, "votes", names=True)] == ["ann", "bob"]


@pytest.mark.parametrize("note", ["=1+1", "+1", "-1", "@sum", "\tx"])
def test_no_cell_of_the_csv_is_a_formula_and_numbers_stay_numbers(run, note):
    say(run, *people("ann"), **B, note=note)
    (row,) = csv.DictReader(io.StringIO(text(run, "votes_csv"), newline=""))
    assert (row["note"], row["value"]) == ("'" + note, "-1.0")


def test_the_csv_of_grades_has_the_answer_and_its_marks():
    run = voting.open_run(questions=1, mode="single")
    say(run, *people("ann"), score=3, scores={"right": 3})
    (row,) = csv.DictReader(io.StringIO(text(run, "votes_csv")))
    assert (row["model"], row["value"], row["scores"]) == ("Zephyrion", "3.0", '{"right": 3}')


@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_nothing_names_a_person_unless_it_is_asked_for(run, format_):
    say(run, voting.judge("annalena"), **A)
    assert "annalena" not in text(run, format_, judges=True)


@pytest.mark.parametrize("format_", sorted(set(FORMATS) - {"label_studio_config"}))
def test_more_items_take_no_more_queries(format_):
    counted = []
    for questions in (2, 60):
        run = voting.open_run(questions=questions) if not counted else more_questions(questions)
        judge = Judge.objects.filter(kind="person").first() or voting.judge()
        for number in range(questions):
            say(run, judge, number, **A)
        with CaptureQueriesContext(connection) as queries:
            text(run, format_)
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 8


def more_questions(questions: int) -> Run:
    """Another run of the same models with as many questions."""
    from arena.models import LanguageModel, Question

    known = {name: LanguageModel.objects.get(name=name) for name, _ in voting.NAMES[:2]}
    old = Run.objects.get()
    benchmark = type(old.benchmark).objects.create(name="larger")
    category = Question.objects.first().category
    for number in range(questions):
        question = Question.objects.create(
            benchmark=benchmark, category=category, key=f"q{number}", turns=["Why?"], position=number
        )
        for name, model in known.items():
            Answer(question=question, model=model, turns=[f"{len(name)} it is."]).rendered().save()
    run = Run.objects.create(name="larger", benchmark=benchmark, mode="pairwise", rubric=old.rubric, status="open")
    run.candidates.set(known.values())
    voting.prepare(run)
    return run


# ---- the command


def test_the_command_writes_the_file_and_tells_what_was_left_out(run, tmp_path):
    say(run, *people("ann"), **A)
    file = tmp_path / "pairs.jsonl"
    told = export(run, "dpo", file)
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1
    assert "1  written to" in told and "2  left out: items: nobody voted on it" in told
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.run, entry.facts["format"]) == ("export_written", run, "dpo")


def test_the_command_writes_over_a_file_only_with_force(run, tmp_path):
    file = tmp_path / "votes.csv"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(CommandError, match="is there already; --force writes over it"):
        export(run, "votes_csv", file)
    assert file.read_text(encoding="utf-8") == "mine"
    export(run, "votes_csv", file, force=True)
    assert file.read_text(encoding="utf-8").startswith("run,benchmark")


def test_an_export_that_fails_leaves_nothing_behind(tmp_path):
    run = voting.open_run(questions=1, mode="single")
    with pytest.raises(CommandError, match=f"run {run.pk}: a run that scores single answers has no pairs"):
        export(run, "dpo", tmp_path / "pairs.jsonl")
    with pytest.raises(CommandError, match="No such file or directory"):
        export(run, "votes", tmp_path / "nowhere" / "votes.jsonl")
    with pytest.raises(CommandError, match="minimum: at least one vote"):
        export(run, "votes", tmp_path / "votes.jsonl", minimum=0)
    assert list(tmp_path.iterdir()) == []


def test_there_is_no_export_of_no_run(tmp_path):
    with pytest.raises(CommandError, match="there is no run 9"):
        call_command("export_votes", 9, format="votes", output=tmp_path / "x")


# ---- the page


def client(role: str = "lead") -> Client:
    client = Client()
    client.force_login(voting.person("lea", role=role))
    return client


def address(run: Run, format_: str) -> str:
    return reverse("run_export", args=[run.pk, format_])


@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_a_lead_downloads_each_format_and_it_is_put_on_record(run, format_):
    say(run, *people("ann"), **A)
    response = client().get(address(run, format_))
    assert response.streaming
    assert response.getvalue().decode() == text(run, format_)
    assert response.headers["Content-Disposition"].startswith(f'attachment; filename="run-{run.pk}-{format_}.')
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.actor_name, entry.run) == ("export_downloaded", "lea", run)
    assert entry.facts == {"format": format_, "names": False}


@pytest.mark.parametrize(("mode", "forms"), [("pairwise", 9), ("single", 7)])
def test_the_runs_page_links_what_there_is_of_it(mode, forms):
    run = voting.open_run(questions=1, mode=mode)
    page = render_to_string("judging/_run_export.html", {"run": run, "exports": formats_of(run)})
    assert page.count("href=") == forms
    lead = client()
    for link in re.findall(r'href="([^"]+)"', page):
        assert lead.get(link).status_code == 200


def test_an_asynchronous_server_sends_the_same(run):
    say(run, *people("ann"), **A)
    lead = voting.person("lea", role="lead")

    async def download() -> bytes:
        client = AsyncClient()
        await client.aforce_login(lead)
        response = await client.get(address(run, "votes"))
        return b"".join([part async for part in response.streaming_content])

    assert async_to_sync(download)().decode() == text(run, "votes")


@pytest.mark.parametrize("role", ["annotator", "adjudicator", "viewer", ""])
def test_nobody_but_a_lead_downloads_votes(run, role):
    assert client(role).get(address(run, "votes")).status_code == 403
    assert Client().get(address(run, "votes")).status_code == 302
    assert not AuditEntry.objects.exists()


def test_what_is_not_to_be_had_is_told(run):
    lead = client()
    assert lead.get(address(run, "parquet")).status_code == 404
    single = Run.objects.create(name="one", benchmark=run.benchmark, mode="single", rubric=run.rubric)
    assert lead.get(address(single, "dpo")).status_code == 404
    assert lead.get(address(run, "dpo"), {"minimum": "many"}).status_code == 400
    assert lead.get(address(run, "dpo"), {"agreement": "2"}).status_code == 400


def test_names_and_judges_are_in_the_file_where_the_lead_asks_for_them(run):
    say(run, judge_of(voting.person("ann")), **A)
    say(run, machine(), value=1)
    body = client().get(address(run, "votes"), {"names": "1", "judges": "1"}).getvalue().decode()
    assert [json.loads(line)["judge"] for line in body.splitlines()] == ["ann", "rule"]


# ---- our own files, there and back


def emptied() -> None:
    """A site without any of what was judged and who judged."""
    Run.objects.update(status=Run.Status.DONE)
    for table in (Preference, Grade, Assignment, Run, Judge, Benchmark, LanguageModel, Rubric):
        table.objects.all().delete()


def told(file: Path) -> list[dict]:
    """The rows of a file without what is another site's: ids, names that say so, and that it was imported."""
    other = ("run", "run_name", "item", "benchmark", "judge", "kind", "provenance", "rubric")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return sorted(({name: row[name] for name in row if name not in other} for row in rows), key=json.dumps)


def brought_back(run: Run, folder: Path) -> Path:
    """The run's questions, answers and votes written, brought to an empty site, and its votes written there once more."""
    files = [folder / f"{name}.jsonl" for name in ("questions", "answers", "votes")]
    for file in files:
        export(run, file.stem, file, judges=True)
    emptied()
    load("juryroom", *files, benchmark="back")
    again = folder / "again.jsonl"
    export(Run.objects.get(), "votes", again, judges=True)
    return again


def test_questions_answers_and_votes_come_back_as_they_were(run, tmp_path):
    ann, bob = people("ann", "bob")
    say(run, ann, **A, swapped=True, note=" fine", reasons=["style"], scores={"right": 2})
    say(run, ann, **A, kept_out="repeat", trial=1)
    say(run, bob, 1, **BAD)
    say(run, machine(), 1, value=0.5)
    say(run, machine("other"), 1, status="api_error", error="gone")
    questions = list(Question.objects.values("key", "turns", "language", "reference", "meta"))
    answers = sorted(Answer.objects.values_list("question__key", "model__name", "model__vendor", "turns"))
    again = brought_back(run, tmp_path)
    assert told(again) == told(tmp_path / "votes.jsonl") and len(told(again)) == 5
    assert list(Question.objects.values("key", "turns", "language", "reference", "meta")) == questions
    assert sorted(Answer.objects.values_list("question__key", "model__name", "model__vendor", "turns")) == answers
    assert set(Preference.objects.values_list("provenance", flat=True)) == {"imported"}
    assert set(Judge.objects.values_list("kind", flat=True)) == {"imported", "imported_person"}


def test_grades_come_back_with_their_scale_and_their_points(tmp_path):
    run = voting.open_run(questions=1, mode="single")
    say(run, *people("ann"), score=3, scores={"right": 3}, points=[{"quote": "x", "points": -1}])
    lowest, highest = run.rubric.lowest, run.rubric.highest
    again = brought_back(run, tmp_path)
    assert told(again) == told(tmp_path / "votes.jsonl")
    rubric = Grade.objects.select_related("rubric").get().rubric
    assert (rubric.lowest, rubric.highest) == (lowest, highest)


def test_votes_alone_come_back_on_questions_and_answers_without_text(run, tmp_path):
    say(run, *people("ann"), **B, turn=1)
    export(run, "votes", tmp_path / "votes.jsonl")
    emptied()
    counts = load("juryroom", tmp_path / "votes.jsonl", benchmark="back")["counts"]
    assert (counts["new votes"], counts["answers whose text was not published"]) == (1, 2)
    assert Question.objects.get().meta == {"published": False}
    assert load("juryroom", tmp_path / "votes.jsonl", benchmark="back")["counts"]["votes already there"] == 1


def test_person_1_of_another_run_is_somebody_else(run, tmp_path):
    say(run, *people("ann"), **A)
    (row,) = lines(run, "votes")
    emptied()
    files = [
        write(tmp_path / f"{number}.jsonl", {**row, "run": number, "run_name": f"of {number}"}) for number in (7, 8)
    ]
    assert load("juryroom", *files, benchmark="back")["counts"]["new votes"] == 2
    assert list(Judge.objects.values_list("name", flat=True)) == ["person 1 of run 7", "person 1 of run 8"]
    assert Run.objects.count() == 2


def test_random_verdicts_of_a_dry_run_are_not_brought_in(run, tmp_path):
    say(run, machine(), value=1, provenance="dry_run")
    export(run, "votes", tmp_path / "votes.jsonl", judges=True)
    counts = load("juryroom", tmp_path / "votes.jsonl", benchmark="back")["counts"]
    assert counts["random verdicts of a dry run left out"] == 1 and "new votes" not in counts


def test_verdicts_of_a_demo_and_of_its_simulated_people_are_not_brought_in_as_votes_that_count(run, tmp_path):
    say(run, *people("ann"), **A, provenance="demo")
    say(run, Judge.objects.create(name="Simulated person 1", kind="simulated"), **B)
    say(run, *people("bob"), **A)
    export(run, "votes", tmp_path / "votes.jsonl", judges=True)
    emptied()
    counts = load("juryroom", tmp_path / "votes.jsonl", benchmark="back")["counts"]
    assert (counts["verdicts of a demo left out"], counts["new votes"]) == (2, 1)


def test_a_baseline_of_which_two_versions_meet_comes_back_as_the_version_it_was(tmp_path):
    run = voting.open_run(questions=2, mode="baseline")
    LanguageModel.objects.update(name="Twin")
    (ann,) = people("ann")
    say(run, ann, 0, **A)
    say(run, ann, 1, **B, swapped=True)
    again = brought_back(run, tmp_path)
    assert told(again) == told(tmp_path / "votes.jsonl")
    assert {(row["baseline"], row["baseline_version"]) for row in told(again)} == {("Twin", "v0.77")}
    assert [one.baseline.version for one in Run.objects.all()] == ["v0.77"]


def test_each_category_comes_back_against_its_own_baseline(tmp_path):
    run = voting.open_run(questions=2, mode="baseline")
    own = {str(Question.objects.get(key="q1").category_id): LanguageModel.objects.get(name="Blatherskite").pk}
    Run.objects.filter(pk=run.pk).update(baselines=own)
    run.refresh_from_db()
    (ann,) = people("ann")
    for number in (0, 1):
        say(run, ann, number, **A)
    export(run, "votes", tmp_path / "votes.jsonl")
    emptied()
    load("juryroom", tmp_path / "votes.jsonl", benchmark="back")
    found = Preference.objects.values_list("battle__question__key", "run__baseline__name")
    assert sorted(found) == [("q0", "Zephyrion"), ("q1", "Blatherskite")]


def test_a_baseline_that_may_be_either_of_two_versions_is_refused(run, tmp_path):
    say(run, *people("ann"), **A)
    (row,) = lines(run, "votes")
    del row["baseline_version"]
    same = {**row, "first": "Twin", "second": "Twin", "baseline": "Twin"}
    file = write(tmp_path / "votes.jsonl", same)
    problem = f"{file}:1: baseline_version: is missing: both answers are of Twin, in two versions"
    assert refusal("juryroom", file, benchmark="back") == [problem]


def test_rubrics_and_runs_with_long_names_that_differ_at_their_end_stay_apart(tmp_path):
    run = voting.open_run(questions=1, mode="single")
    Rubric.objects.update(name="r" * 120)
    Run.objects.update(name="n" * 200)
    say(run, *people("ann"), score=3)
    (row,) = lines(Run.objects.get(), "votes")
    emptied()
    rows = [{**row, "rubric": "r" * 120 + f" v{n}", "run": n} for n in (1, 2)]
    load("juryroom", write(tmp_path / "votes.jsonl", *rows), benchmark="back")
    assert [name.endswith(f"r v{n}") for n, name in enumerate(_names(Rubric), start=1)] == [True, True]
    assert [name.endswith(f"(run {n}): as published") for n, name in enumerate(_names(Run), start=1)] == [True, True]


def _names(table) -> list[str]:
    return list(table.objects.order_by("pk").values_list("name", flat=True))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"status": "fine"}, "status: is 'fine', not one of ok, "),
        ({"value": None}, "value: is missing"),
        ({"value": 7}, "value: is 7, which is off the scale"),
        ({"value": [1]}, "value: is a list, not "),
        ({"value": 10**400}, "value: is 1000"),
        ({"value": 1, "both_bad": True}, "both_bad: is true, and the value is not 0"),
        ({"kept_out": "lost"}, "kept_out: is 'lost', not one of "),
        ({"reasons": "style"}, "reasons: is text, not a list"),
        ({"scores": {"right": "yes"}}, "scores: holds something that is not a number"),
        ({"scores": {"right": 7}}, "scores: has 7 for 'right', which is off the scale from -2 to 2"),
        ({"baseline": "ghost"}, "baseline: is 'ghost', which gave neither of the two answers"),
        ({"baseline": "Zephyrion", "baseline_version": "v9"}, "baseline: is 'Zephyrion v9', which gave neither"),
        ({"trial": 10**9}, "trial: is not a whole number from 0 to 32767"),
        ({"created_at": "soon"}, "created_at: is not a date and time"),
    ],
)
def test_a_bad_judgment_is_named_with_its_line_and_field(run, tmp_path, fields, problem):
    say(run, *people("ann"), **A)
    (row,) = lines(run, "votes")
    file = write(tmp_path / "votes.jsonl", {**row, **fields})
    assert any(told.startswith(f"{file}:1: {problem}") for told in refusal("juryroom", file))


def test_a_scale_that_does_not_go_up_is_named_with_its_line_and_field(tmp_path):
    run = voting.open_run(questions=1, mode="single")
    say(run, *people("ann"), score=3)
    (row,) = lines(run, "votes")
    file = write(tmp_path / "votes.jsonl", {**row, "lowest": 3, "highest": 3})
    assert refusal("juryroom", file) == [f"{file}:1: lowest: is 3, which is not below highest, 3"]


def test_the_words_of_the_loader_are_those_of_the_record():
    assert set(own_judgments.STATUSES) == set(Status.values)
    assert set(own_judgments.KEPT_OUT) == {"", *KeptOut.values}
    assert set(own_judgments.ORDERS) == set(Run.Order.values)
    assert set(own_judgments.PEOPLE) == set(Judge.PEOPLE)


@pytest.mark.parametrize("format_", ["label_studio", "argilla", "dpo", "answers"])
def test_what_has_no_text_here_is_counted_and_the_page_says_so(run, tmp_path, format_):
    say(run, *people("ann"), **A)
    Answer.objects.update(error=UNPUBLISHED, turns=[])
    out = export(run, format_, tmp_path / "file")
    assert "0  written to" in out and "left out: " in out and "text" in out
    page = client().get(reverse("run", args=[run.pk])).content.decode()
    assert "1 vote is on answers whose text is not here" in page


@pytest.mark.parametrize("format_", FORMATS)
def test_what_was_imported_in_one_order_is_exported_like_a_runs_own(tmp_path, format_):
    row = {
        "question_id": "q1",
        "model_a": "ash",
        "model_b": "fir",
        "winner": "model_b",
        "judge": "arena_user_1",
        "turn": 1,
    }
    talk = {
        f"conversation_{side}": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": text}]
        for side, text in (("a", "So."), ("b", "Because."))
    }
    load("arena", write(tmp_path / "battles.jsonl", {**row, **talk}))
    run = Run.objects.get()
    assert (run.name, run.provenance, run.order) == ("people: as published", "imported", "fixed")
    out = export(run, format_, tmp_path / "file")
    assert "1  written to" in out or format_ == "answers" and "2  written to" in out
    told = (tmp_path / "file").read_text()
    assert "imported" in told or format_ in ("questions", "answers", "label_studio_config")
    if format_ == "dpo":
        assert json.loads(told)["chosen"] == "Because."


def test_an_imported_run_can_be_taken_along_from_its_page(run, tmp_path):
    say(run, *people("ann"), **A)
    brought_back(run, tmp_path)
    found = Run.objects.get()
    page = client().get(reverse("run", args=[found.pk])).content.decode()
    assert address(found, "votes") + "?judges=1" in page
