"""Judges beside people: agreement under each policy, consistency, what is left out; published figures from real files."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arena.models import Benchmark
from judging.models import Judge, Preference
from rating import meta
from tests.arena.loading_files import load, write
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


def said(**options) -> dict:
    """What the command prints for programs."""
    out = StringIO()
    call_command("meta", format="json", stdout=out, **options)
    return json.loads(out.getvalue())


def overall(**options) -> dict:
    """The row of the only judge over all categories."""
    (row,) = [row for row in said(**options)["rows"] if row["category"] == "all"]
    return row


def person(name: str = "ann") -> Judge:
    return make.judge(name, kind="person", user=make.person(name))


def battles(benchmark: Benchmark, n: int, **fields) -> list:
    """A battle of two models on each of n new questions."""
    made = []
    for _ in range(n):
        asked = make.question(benchmark, f"q{benchmark.questions.count() + 1}", **fields)
        for name in ("Ash", "Birch"):
            make.answer(asked, make.model(name)).save()
        made.append(make.battle(asked))
    return made


@pytest.fixture
def benchmark() -> Benchmark:
    return make.benchmark()


def swapped_judge(benchmark: Benchmark) -> None:
    """Five battles that ann judged; a judge agrees in both orders, in one, in none, calls one a tie, and fails on one."""
    ann, run = person(), make.run(benchmark, order="both")
    orders = ((1, 1), (1, -1), (-1, -1), (1, 0), (1, None))
    for battle, values in zip(battles(benchmark, len(orders)), orders, strict=True):
        make.preference(battle, ann, value=1)
        for swapped, value in zip((False, True), values, strict=True):
            fields = {"value": value} if value is not None else {"status": "parse_error", "error": "?"}
            make.preference(battle, run=run, swapped=swapped, **fields)


@pytest.mark.parametrize(
    ("flips", "agreement", "n"),
    [("wrong", 1 / 4, 4), ("tie", 1 / 4, 4), ("abstain", 1 / 2, 2), ("both", 2 / 4, 4)],
)
def test_verdicts_that_change_with_the_order_count_by_the_policy_that_is_printed(benchmark, flips, agreement, n):
    swapped_judge(benchmark)
    row = overall(flips=flips)
    assert (row["agreement"], row["n"]) == (pytest.approx(agreement), n)
    assert (row["n_failed"], row["n_flipped"]) == (1, 2)
    assert row["policy"].startswith(f"{meta.FLIPS[flips]}; {meta.UNREAD['leave_out']}")


def test_a_flip_is_right_where_people_see_a_tie_only_if_it_counts_as_one(benchmark):
    ann, run = person(), make.run(benchmark, order="both")
    for battle in battles(benchmark, 2):
        make.preference(battle, ann, value=0)
        make.preference(battle, run=run, value=1)
        make.preference(battle, run=run, value=-1, swapped=True)
    found = {flips: overall(flips=flips)["agreement"] for flips in meta.FLIPS}
    assert found == {"wrong": 0.0, "tie": 1.0, "abstain": None, "both": 0.0}


@pytest.mark.parametrize(
    ("unread", "agreement", "n"), [("leave_out", 1 / 4, 4), ("tie", 1 / 5, 5), ("wrong", 1 / 5, 5)]
)
def test_battles_without_a_readable_verdict_count_by_the_policy_that_is_printed(benchmark, unread, agreement, n):
    swapped_judge(benchmark)
    row = overall(unread=unread)
    assert (row["agreement"], row["n"], row["n_failed"]) == (pytest.approx(agreement), n, 1)
    assert row["policy"].startswith(f"{meta.FLIPS['wrong']}; {meta.UNREAD[unread]}")


def test_an_unread_verdict_as_a_tie_agrees_with_people_who_say_tie(benchmark):
    (battle,) = battles(benchmark, 1)
    make.preference(battle, person(), value=0)
    make.preference(battle, status="refused", error="no")
    found = {unread: overall(unread=unread)["agreement"] for unread in meta.UNREAD}
    assert found == {"leave_out": None, "tie": 1.0, "wrong": 0.0}


def test_consistency_is_of_battles_read_in_both_orders_and_never_depends_on_the_policy(benchmark):
    swapped_judge(benchmark)
    rows = [overall(flips=flips, unread=unread) for flips in meta.FLIPS for unread in meta.UNREAD]
    assert {(row["consistency"], row["n_both"]) for row in rows} == {(0.5, 4)}


def test_without_ties_only_battles_that_both_decide_are_compared(benchmark):
    ann = person()
    for battle, theirs, ours in zip(battles(benchmark, 5), (1, 1, 0, 1, -1), (1, 0, 0, -1, -2), strict=True):
        make.preference(battle, ann, value=theirs)
        make.preference(battle, value=ours)
    row = overall()
    assert (row["agreement"], row["n"]) == (pytest.approx(3 / 5), 5)
    assert (row["agreement_no_ties"], row["n_no_ties"]) == (pytest.approx(2 / 3), 3)
    # ours: 1 first, 2 ties, 2 second; theirs: 3, 1, 1; so by chance (3 + 2 + 2) / 25
    assert row["kappa"] == pytest.approx((3 / 5 - 7 / 25) / (1 - 7 / 25))
    assert row["low"] < row["agreement"] < row["high"]
    assert row["consistency"] is None


def test_the_peoples_word_is_what_most_say_and_a_battle_without_one_is_left_out_and_counted(benchmark):
    people = [person(name) for name in ("ann", "ben", "cho")]
    for battle, values in zip(battles(benchmark, 3), ((1, 1, -1), (1, 0, -1), (0, 0, 1)), strict=True):
        for one, value in zip(people, values, strict=True):
            make.preference(battle, one, value=value)
        make.preference(battle, value=1)
    told = said()
    assert (told["people"], told["battles"], told["undecided"]) == (3, 2, 1)
    assert (told["rows"][0]["agreement"], told["rows"][0]["n"]) == (0.5, 2)
    pairs = {(pair["one"], pair["other"]): (pair["agreement"], pair["n"]) for pair in told["pairs_of_people"]}
    assert pairs[("ann", "ben")] == (pytest.approx(2 / 3), 3) and pairs[("ann", "cho")] == (0.0, 3)


# what three people say of each pair, and what the judge says in both orders (None: unread), all towards the battle's first
CASES = {
    "agrees": ((1, 1, -1), 1, 1),
    "differs": ((1, 1, 1), -1, -1),
    "ties": ((0, 0, 1), 0, 0),
    "flips": ((1, 1, 1), 1, -1),
    "wavers": ((0, 0, 0), 1, 0),
    "is mute": ((-1, -1, -1), None, -1),
    "people are split": ((1, 0, -1), 1, 1),
}


@pytest.mark.parametrize(
    ("options", "agreed", "n", "no_ties"),
    [
        ({}, 2, 5, (1 / 2, 2)),
        ({"flips": "tie"}, 3, 5, (1 / 2, 2)),
        ({"flips": "abstain"}, 2, 3, (1 / 2, 2)),
        ({"flips": "both"}, 3, 5, (1.5 / 3, 3)),
        ({"unread": "tie"}, 2, 6, (1 / 2, 2)),
        ({"unread": "wrong"}, 2, 6, (1 / 2, 2)),
    ],
    ids=str,
)
def test_published_verdicts_are_compared_with_published_peoples(benchmark, options, agreed, n, no_ties):
    people = [make.judge(f"person {n}", kind="imported_person") for n in range(3)]
    owl, run = make.judge("owl", kind="imported"), make.run(benchmark, order="both")
    for battle, (words, *orders) in zip(battles(benchmark, len(CASES)), CASES.values(), strict=True):
        for one, value in zip(people, words, strict=True):
            make.preference(battle, one, value=value, provenance="imported")
        for swapped, value in zip((False, True), orders, strict=True):
            fields = {"value": value} if value is not None else {"status": "parse_error", "error": "unread"}
            make.preference(battle, owl, run=run, swapped=swapped, provenance="imported", **fields)
    row = overall(**options)
    assert (row["judge"], row["agreement"], row["n"]) == ("owl", pytest.approx(agreed / n), n)
    assert row["low"] <= row["agreement"] <= row["high"]
    assert (row["n_flipped"], row["n_failed"], row["n_both"], row["consistency"]) == (2, 1, 5, pytest.approx(3 / 5))
    assert (row["agreement_no_ties"], row["n_no_ties"]) == (pytest.approx(no_ties[0]), no_ties[1])


def test_categories_and_their_groups_have_rows_of_their_own(benchmark):
    group = make.category("kitchen")
    cooking, sums = make.category("cooking", group=group), make.category("sums")
    ann = person()
    for category, value in ((cooking, 1), (cooking, -1), (sums, 1)):
        (battle,) = battles(benchmark, 1, category=category)
        make.preference(battle, ann, value=1)
        make.preference(battle, value=value)
    found = {row["category"]: (row["agreement"], row["n"]) for row in said()["rows"]}
    assert found == {"all": (pytest.approx(2 / 3), 3), "kitchen": (0.5, 2), "cooking": (0.5, 2), "sums": (1.0, 1)}


def test_every_turn_of_a_battle_is_compared_by_itself(benchmark):
    ann = person()
    (battle,) = battles(benchmark, 1)
    for turn, value in ((1, 1), (2, -1)):
        make.preference(battle, ann, value=1, turn=turn)
        make.preference(battle, value=value, turn=turn)
    row = overall()
    assert (row["agreement"], row["n"], row["low"]) == (0.5, 2, None)  # one question has no interval


def test_one_judge_may_be_asked_for_and_an_unknown_one_is_refused_with_those_there_are(benchmark):
    (battle,) = battles(benchmark, 1)
    make.preference(battle, person())
    for name in ("owl", "rook"):
        make.preference(battle, make.judge(name))
    assert {row["judge"] for row in said(judge="owl")["rows"]} == {"owl"}
    assert [row["judge"] for row in said()["rows"]] == ["owl", "owl", "rook", "rook"]
    with pytest.raises(CommandError, match="no machine 'crow' .* there are: owl, rook"):
        said(judge="crow")


def test_without_people_machines_or_common_battles_there_is_a_word_and_no_number(benchmark):
    one, other = battles(benchmark, 2)
    make.preference(one)
    with pytest.raises(CommandError, match="no person has judged a pair"):
        said()
    ann = person()
    make.preference(other, ann)
    with pytest.raises(CommandError, match="have judged no pair of .* together"):
        said()
    Preference.objects.filter(judge__name="steady").delete()
    with pytest.raises(CommandError, match="no machine has judged a pair"):
        said()


def test_half_a_verdict_is_none_even_of_a_judge_that_has_no_other(benchmark):
    (battle,) = battles(benchmark, 1)
    make.preference(battle, person())
    make.preference(battle, run=make.run(benchmark, order="both"))
    row = overall()
    assert (row["agreement"], row["n"], row["n_failed"]) == (None, 0, 1)


def test_the_text_says_the_policy_in_words_and_what_was_left_out(benchmark):
    swapped_judge(benchmark)
    out = StringIO()
    call_command("meta", flips="both", unread="wrong", stdout=out)
    text = out.getvalue()
    assert "policy: each order is half a verdict; a battle without a readable verdict agrees with nobody" in text
    assert "left out: 1 no verdict could be read" in text and "left out: 1 read in one of two orders only" in text
    assert "5 battles judged by people (1)" in text


def test_the_rows_may_be_had_as_csv(benchmark):
    swapped_judge(benchmark)
    out = StringIO()
    call_command("meta", format="csv", stdout=out)
    head, first, _second = out.getvalue().splitlines()
    assert head.startswith("judge,category,agreement,low,high,agreement_no_ties,kappa,consistency,n,")
    assert first.startswith("steady,all,0.25,")


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="flips: there is no rule 'coin'"):
        meta.Policy("coin")
    with pytest.raises(ValueError, match="unread: there is no rule 'coin'"):
        meta.Policy(unread="coin")


def test_the_number_of_queries_does_not_grow_with_the_battles(benchmark):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            said()
        return len(captured)

    ann = person()
    for battle in battles(benchmark, 1):
        make.preference(battle, ann)
        make.preference(battle)
    few = queries()
    for battle in battles(benchmark, 12, category=make.category("sums")):
        make.preference(battle, ann)
        for name in ("steady", "owl"):
            make.preference(battle, make.judge(name))
    assert queries() == few


# --- published judge tests


PUBLISHED = {
    "all": (54.96, 83.41),
    "Summarization": (45.83, 73.61),
    "Exam Questions": (38.89, 69.44),
    "Code": (47.5, 75.83),
    "Rewriting": (49.17, 74.17),
    "Creative Writing": (59.72, 87.04),
    "Functional Writing": (61.67, 81.67),
    "General Communication": (55.21, 92.36),
    "NLP Tasks": (57.58, 86.36),
}
"""Agreement and consistency of Auto-J in percent, from the leaderboard in its repository (type pairwise)."""


def test_auto_js_published_figures_follow_from_its_two_output_files(shared):
    folder = shared / "data" / "auto_j"
    names = ("testdata_pairwise.jsonl", "pairwise_example_output.jsonl", "pairwise_exchange_example_output.jsonl")
    load("auto_j", *(folder / name for name in names), benchmark="auto_j")
    told = said(benchmark="auto_j")
    found = {
        row["category"]: (round(100 * row["agreement"], 2), round(100 * row["consistency"], 2))
        for row in told["rows"]
        if row["category"] in PUBLISHED
    }
    assert found == PUBLISHED
    assert len(told["rows"]) == 1 + 8 + 58
    assert (told["flips"], told["unread"]) == ("wrong", "leave_out")
    assert {(row["n_failed"], row["policy"]) for row in told["rows"]} == {(0, told["policy"])}
    row = told["rows"][0]
    assert (row["n"], row["n_both"], row["n_flipped"]) == (1392, 1392, 231)
    assert round(100 * overall(benchmark="auto_j", flips="tie")["agreement"], 2) == 61.85


def test_pandalms_garbage_counts_as_a_tie_only_when_asked(tmp_path):
    pair = {"cmp_key": "ash_birch", "motivation_app": "Notes", "instruction": "Say hello.", "input": ""}
    pair |= {"response1": "Hello.", "response2": "Good day."}
    people = [("1", "1", "0"), ("0", "0", "2"), ("2", "2", "2")]
    rows = [
        {"idx": idx, **pair, **{f"annotator{n}": label for n, label in enumerate(labels, start=1)}}
        for idx, labels in enumerate(people)
    ]
    write(tmp_path / "testset.json", json.dumps(rows))
    results = [{"idx": idx, "gpt_result": word} for idx, word in enumerate(("1", "garbage", "1"))]
    write(tmp_path / "gpt.json", json.dumps(results))
    load("pandalm", tmp_path, benchmark="pandalm")
    found = {unread: overall(unread=unread) for unread in meta.UNREAD}
    assert {unread: (row["agreement"], row["n"]) for unread, row in found.items()} == {
        "leave_out": (1 / 2, 2),
        "tie": (pytest.approx(2 / 3), 3),
        "wrong": (pytest.approx(1 / 3), 3),
    }
    assert [pair["n"] for pair in said()["pairs_of_people"]] == [3, 3, 3]
