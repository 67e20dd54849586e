"""Auto-J's files in: pairs with people's labels, and a judge's outputs in both orders."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db.models import Count

from arena.models import Benchmark, Category, Question
from judging.models import Judge, Preference, Run
from rating import counting, data
from tests.arena.loading_files import load, loaded_twice, refusal, state, write
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

PAIR = {"scenario": "planning", "label": 0, "prompt": "Plan my day.", "response 1": "Sleep.", "response 2": "Work."}


def folder(tmp_path: Path, plain: tuple = (0, 1, 2), exchanged: tuple = (1, 1, 2)) -> Path:
    pairs = [{**PAIR, "label": label, "prompt": f"Plan day {label}."} for label in (0, 1, 2)]
    write(tmp_path / "testdata_pairwise.jsonl", *pairs)
    for name, outputs in (("owl_output", plain), ("owl_exchange_output", exchanged)):
        if outputs:
            write(tmp_path / f"{name}.jsonl", *({"output": output} for output in outputs))
    return tmp_path


def towards_first(judge: str) -> list[tuple[bool, float]]:
    rows = Preference.objects.filter(judge__name=judge).select_related("battle__first__model").order_by("swapped", "pk")
    return [(row.swapped, row.value * (1 if row.battle.first.model.name == "response 1" else -1)) for row in rows]


def test_labels_are_peoples_and_outputs_are_one_judges_in_both_orders(tmp_path):
    counts = loaded_twice("auto_j", folder(tmp_path))
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (3, 6, 9)
    assert towards_first("Auto-J annotators") == [(False, 1), (False, -1), (False, 0)]
    # the exchanged file is as the judge gave it: its 1 is the second shown, which is the first response
    assert towards_first("owl_output") == [(False, 1), (False, -1), (False, 0), (True, 1), (True, 1), (True, 0)]
    kinds = dict(Judge.objects.values_list("name", "kind"))
    assert kinds == {"Auto-J annotators": "imported_person", "owl_output": "imported"}
    orders = Preference.objects.values_list("run__name", "run__order", "run__provenance").distinct()
    assert set(orders) == {
        ("people: as published", "fixed", "imported"),
        ("owl_output: as published", "both", "imported"),
    }


def test_outputs_in_one_order_alone_are_whole_verdicts(tmp_path):
    load("auto_j", folder(tmp_path, exchanged=()))
    assert set(Preference.objects.values_list("run__order", flat=True)) == {"fixed"}


def runs_of_owl() -> list[tuple[str, int]]:
    runs = Run.objects.filter(name__startswith="owl").annotate(n=Count("preferences")).order_by("pk")
    return list(runs.values_list("order", "n"))


@pytest.mark.parametrize("first", [0, 1])
def test_two_orders_loaded_one_after_another_are_as_if_loaded_together(tmp_path, first):
    files = [folder(tmp_path) / f"owl_{name}.jsonl" for name in ("output", "exchange_output")]
    one, other = files[first], files[1 - first]
    load("auto_j", tmp_path / "testdata_pairwise.jsonl", benchmark="tests")
    load("auto_j", one, benchmark="tests")
    assert runs_of_owl() == [("fixed", 3)]
    counting.catch_up()  # what is counted as whole verdicts already is counted anew
    report = load("auto_j", other, benchmark="tests")
    assert report["notes"] == [
        "both orders of owl_output are here now: they are read as two orders of the same verdicts"
    ]
    assert runs_of_owl() == [("both", 6)]
    benchmark = Benchmark.objects.get()
    assert counting.catch_up() and counting.is_true_to(benchmark, data.read(benchmark))
    before = state()
    for again in ([one], [other], files):
        assert load("auto_j", *again, benchmark="tests")["counts"]["new votes"] == 0
    assert state() == before


def test_one_order_is_joined_by_both_together(tmp_path):
    load("auto_j", folder(tmp_path, exchanged=()), benchmark="tests")
    load("auto_j", folder(tmp_path), benchmark="tests")
    assert runs_of_owl() == [("both", 6)]


def test_two_orders_that_were_once_taken_for_whole_verdicts_are_joined_by_loading_one_again(tmp_path):
    load("auto_j", folder(tmp_path), benchmark="tests")
    Run.objects.filter(name__startswith="owl").update(order="fixed")
    load("auto_j", tmp_path / "owl_output.jsonl", benchmark="tests")
    assert runs_of_owl() == [("both", 6)]


def test_one_order_is_not_joined_by_that_of_another_judge(tmp_path):
    folder(tmp_path)
    load("auto_j", tmp_path / "testdata_pairwise.jsonl", tmp_path / "owl_output.jsonl", benchmark="tests")
    load("auto_j", tmp_path / "owl_exchange_output.jsonl", benchmark="tests", judge="another")
    assert set(Run.objects.values_list("order", flat=True)) == {"fixed"}


def orders_apart(tmp_path: Path) -> list[Path]:
    """The pairs loaded, and the files of the two orders that are not."""
    files = [folder(tmp_path) / f"owl_{name}.jsonl" for name in ("output", "exchange_output")]
    load("auto_j", tmp_path / "testdata_pairwise.jsonl", benchmark="tests")
    return files


def a_verdict_in_one_order(run: Run) -> Preference:
    """One more in the run, on a question that no file of these is about."""
    [question] = make.answered(run.benchmark, "Ash", "Birch")
    judge, rubric = run.judges.get(), run.rubric
    return make.preference(make.battle(question), judge, rubric=rubric, run=run, provenance="imported")


def counted_by_owl() -> tuple[int, dict[str, int]]:
    """How many votes of the judge count, by the standing counts and by the record alike, and what is left out."""
    benchmark = Benchmark.objects.get()
    assert counting.catch_up()
    record = data.read(benchmark)
    assert counting.is_true_to(benchmark, record)
    return int((record.votes.judge == Judge.objects.get(name="owl_output").pk).sum()), record.excluded


def test_a_verdict_in_one_order_counts_on_where_others_of_its_run_are_there_in_both(tmp_path):
    one, other = orders_apart(tmp_path)
    load("auto_j", one, benchmark="tests")
    a_verdict_in_one_order(Run.objects.get(name__startswith="owl"))
    assert counted_by_owl() == (4, {})
    report = load("auto_j", other, benchmark="tests")
    assert report["notes"] == [
        "of the verdicts of owl_output some are here in both orders, each of which counts as one verdict, and 1 in one order "
        "alone, which count as they are"
    ]
    assert runs_of_owl() == [("fixed", 7)] and counted_by_owl() == (4, {})
    before = state()
    for again in ([one], [other], [one, other]):
        assert load("auto_j", *again, benchmark="tests")["notes"] == report["notes"]
    assert state() == before


def test_both_orders_of_other_verdicts_join_no_run_that_was_asked_in_one(tmp_path):
    files = orders_apart(tmp_path)
    load("auto_j", files[0], benchmark="tests")
    run = Run.objects.get(name__startswith="owl")
    Preference.objects.filter(run=run).delete()
    a_verdict_in_one_order(run)
    assert loaded_twice("auto_j", *files, benchmark="tests")["new votes"] == 6
    assert runs_of_owl() == [("fixed", 1), ("both", 6)] and counted_by_owl() == (4, {})


def test_one_order_joins_no_run_that_was_asked_in_both_about_other_verdicts(tmp_path):
    files = orders_apart(tmp_path)
    load("auto_j", *files, benchmark="tests")
    run = Run.objects.get(name__startswith="owl")
    Preference.objects.filter(run=run).delete()
    load("auto_j", files[0], benchmark="tests")
    assert runs_of_owl() == [("both", 0), ("fixed", 3)] and counted_by_owl() == (3, {})


def test_a_run_of_another_name_is_left_as_its_file_told_of_it(tmp_path):
    one, other = orders_apart(tmp_path)
    load("auto_j", one, benchmark="tests")
    Run.objects.filter(name__startswith="owl").update(name="seven: as published")
    load("auto_j", other, benchmark="tests")
    assert set(Run.objects.values_list("order", flat=True)) == {"fixed"}
    assert runs_of_owl() == [("fixed", 3)] and counted_by_owl() == (3, {})


def test_outputs_that_come_later_are_about_the_pairs_that_are_there(tmp_path):
    load("auto_j", folder(tmp_path) / "testdata_pairwise.jsonl", benchmark="tests")
    later = [tmp_path / f"owl_{name}.jsonl" for name in ("output", "exchange_output")]
    assert loaded_twice("auto_j", *later, benchmark="tests")["new votes"] == 6
    assert towards_first("owl_output") == [(False, 1), (False, -1), (False, 0), (True, 1), (True, 1), (True, 0)]


def test_votes_that_were_once_loaded_into_no_run_get_theirs(tmp_path):
    load("auto_j", folder(tmp_path))
    Preference.objects.update(run=None)
    counts = load("auto_j", tmp_path)["counts"]
    assert (counts["new votes"], counts["votes already there, now in a run"]) == (0, 9)
    assert not Preference.objects.filter(run=None).exists()


def test_what_is_not_in_the_files_is_said(tmp_path):
    file = write(tmp_path / "owl_output.jsonl", {"output": 1})
    report = load("auto_j", file, kind="questions")
    assert report["notes"][-1] == "nothing in these files is of questions: there is nothing to load"
    assert report["counts"] == {"rows read": 1, "judgments left out": 1}


def test_known_scenarios_stand_in_their_published_groups_and_others_in_none(tmp_path):
    write(tmp_path / "t.jsonl", PAIR, {**PAIR, "scenario": "whistling", "prompt": "Whistle."})
    load("auto_j", tmp_path)
    groups = {row.key: row.group and row.group.name_en for row in Category.objects.select_related("group")}
    assert groups == {"planning": "General Communication", "whistling": None, "General Communication": None}


def test_questions_alone_leave_the_verdicts_out(tmp_path):
    load("auto_j", folder(tmp_path), kind="questions")
    assert (Question.objects.count(), Preference.objects.count()) == (3, 0)
    counts = load("auto_j", tmp_path, kind="judgments")["counts"]
    assert (counts["new votes"], counts["questions already there"]) == (9, 3)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"label": 3}, "label: is 3, not one of 0 (first), 1 (second), 2 (tie)"),
        ({"label": True}, "label: is true or false, not a whole number"),
        ({"label": None}, "label: is missing"),
        ({"response 2": None}, "response 2: is missing"),
        ({"scenario": " "}, "scenario: is empty"),
        ({"prompt": 7}, "prompt: is a whole number, not text"),
    ],
)
def test_a_bad_pair_is_named_with_its_line_and_field(tmp_path, fields, problem):
    file = write(tmp_path / "t.jsonl", PAIR, {**PAIR, "prompt": "Another day.", **fields})
    assert f"{file}:2: {problem}" in refusal("auto_j", file)


def test_an_output_that_means_nothing_is_no_tie(tmp_path):
    assert refusal("auto_j", folder(tmp_path, plain=(0, 4, 2))) == [
        f"{tmp_path}/owl_output.jsonl:2: output: is 4, not one of 0 (first), 1 (second), 2 (tie)"
    ]


def test_outputs_that_do_not_fit_their_test_data_are_refused(tmp_path):
    file = folder(tmp_path, plain=(0, 1)) / "owl_output.jsonl"
    assert refusal("auto_j", tmp_path) == [
        f"{file}:2: output: has no pair that it is surely about: the file has 2 outputs for 3 pairs, it is the last, "
        "and pairs are left"
    ]
    more = folder(tmp_path, plain=(0, 1, 2, 1)) / "owl_output.jsonl"
    assert refusal("auto_j", tmp_path) == [
        f"{more}:4: output: has no pair that it is surely about: the file has 4 outputs for 3 pairs, this and those after "
        "it have none"
    ]
    assert refusal("auto_j", file) == [
        f"{file}:1: output: is about a pair that is not here; load it together with its test data, or into the benchmark "
        "that has it"
    ]


def test_auto_j_as_published(shared):
    counts = load("auto_j", shared / "data" / "auto_j")["counts"]
    assert (counts["new questions"], counts["new answers"], counts["new votes"]) == (1392, 2784, 3 * 1392)
    assert Category.objects.filter(group__isnull=False).count() == 58
    assert Category.objects.filter(group__isnull=True).count() == 8
