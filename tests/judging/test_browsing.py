"""The browser of the record: what each filter finds, how pages and keys go, and what the blind never learn."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from arena.models import Answer, Battle, Benchmark, Question
from judging import browsing, searching
from judging.access import blinding_runs, is_blind_on
from judging.browsing import Filters, Sight
from judging.models import Assignment, BadCase, Grade, Judge, KeptOut, Membership, Preference
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


def signed_in(*roles: str, name: str = "") -> Client:
    client = Client()
    client.force_login(make.person(name or "-".join(roles) or "plain", *roles))
    return client


def listed(client: Client | None = None, **filters):
    """The page of the browser with these filters."""
    response = (client or Client()).get(reverse("record"), filters)
    assert response.status_code == 200
    return response


def keys(client: Client | None = None, **filters) -> list[str]:
    """The keys of the questions of the rows that are listed."""
    rows = listed(client, **filters).context["page"].rows
    return [row.key if filters.get("kind") == "questions" else row.question.key for row in rows]


@pytest.fixture
def battles():
    """Four battles of Ash against Birch on questions q1 … q4."""
    return [make.battle(one) for one in make.answered(make.benchmark(), "Ash", "Birch", questions=4)]


# --- each filter


def test_without_a_filter_everything_is_listed_in_order(battles):
    assert keys() == ["q1", "q2", "q3", "q4"] and keys(sort="newest") == ["q4", "q3", "q2", "q1"]
    assert keys(kind="questions") == ["q1", "q2", "q3", "q4"]
    assert keys(kind="answers") == ["q1", "q1", "q2", "q2", "q3", "q3", "q4", "q4"]


def test_benchmark_category_group_and_language(battles):
    group = make.category("kitchen-work")
    pan = make.category("frying", group=group)
    other = make.benchmark("larder")
    question = make.question(other, "z1", "煎蛋", category=pan, language="zh")
    for name in ("Ash", "Birch"):
        make.answer(question, make.model(name)).save()
    make.battle(question)
    assert keys(benchmark=other.pk) == keys(category="frying") == keys(category="kitchen-work") == ["z1"]
    assert keys(language="zh") == ["z1"] and len(keys(language="en")) == 4
    assert keys(benchmark="nonsense") == keys(benchmark="9" * 30) == []


def test_one_model_and_another(battles):
    question = battles[0].question
    make.answer(question, make.model("Cedar")).save()
    ash, cedar = question.answers.get(model__name="Ash"), question.answers.get(model__name="Cedar")
    Battle.objects.pair([(ash, cedar)])
    pk = {name: make.model(name).pk for name in ("Ash", "Birch", "Cedar")}
    assert keys(model=pk["Cedar"]) == ["q1"] and keys(model=pk["Ash"], other=pk["Cedar"]) == ["q1"]
    assert keys(model=pk["Birch"], other=pk["Cedar"]) == [] and len(keys(model=pk["Ash"])) == 5
    assert keys(kind="answers", model=pk["Cedar"]) == keys(kind="questions", model=pk["Cedar"]) == ["q1"]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("first", ["q1"]), ("second", ["q2"]), ("tie", ["q3"]), ("both_bad", []), ("failed", ["q4"]), ("none", ["q4"])],
)
def test_a_failure_is_found_as_a_failure_and_never_as_a_tie(battles, outcome, expected):
    for battle, fields in zip(
        battles, ({"value": 1}, {"value": -2}, {"value": 0}, {"status": "parse_error", "error": "?"}), strict=True
    ):
        make.preference(battle, **fields)
    assert keys(outcome=outcome) == expected
    make.preference(battles[3], make.judge("kind"), value=0, both_bad=True)
    assert keys(outcome="both_bad") == ["q4"] and keys(outcome="nonsense") == []


def test_judge_run_and_outcome_must_hold_of_one_judgment(battles):
    oracle, steady, run = make.llm_judge(), make.judge(), make.run(battles[0].question.benchmark)
    make.preference(battles[0], oracle, value=1, run=run)
    make.preference(battles[0], steady, value=-1)
    make.preference(battles[1], steady, value=1, run=run)
    assert (
        keys(judge=oracle.pk) == ["q1"] and keys(judge=steady.pk) == ["q1", "q2"] and keys(run=run.pk) == ["q1", "q2"]
    )
    assert keys(judge=oracle.pk, outcome="second") == [] and keys(run=run.pk, judge=steady.pk) == ["q2"]
    assert keys(judge=steady.pk, outcome="none") == ["q3", "q4"]


def test_what_was_replaced_is_not_found(battles):
    make.preference(battles[0], value=1, superseded_at=timezone.now())
    assert keys(outcome="first") == [] and "q1" in keys(outcome="none")


def test_people_against_judges_goes_by_most_of_each_and_by_the_judge_asked_for(battles):
    people = [make.judge(f"Simulated {n}", kind="simulated") for n in range(3)]
    oracle, steady = make.llm_judge(), make.judge()
    for battle, theirs, its, other in zip(
        battles, ((1, 1, -1), (1, 1, -1), (1, -1, 0), (1, 1, 1)), (-1, 1, -1, -1), (1, -1, 1, -1), strict=True
    ):
        for person, value in zip(people, theirs, strict=True):
            make.preference(battle, person, value=value)
        make.preference(battle, oracle, value=its)
        make.preference(battle, steady, value=other)
    assert keys(against="1") == ["q4"], "where machines are even nobody is against anybody"
    assert keys(against="1", judge=oracle.pk) == ["q1", "q4"] and keys(against="1", judge=steady.pk) == ["q2", "q4"]


def test_order_flips_are_of_one_judge_and_of_standing_verdicts(battles):
    oracle, steady = make.llm_judge(), make.judge()
    make.preference(battles[0], oracle, value=1)
    make.preference(battles[0], oracle, value=-1, swapped=True)
    make.preference(battles[1], oracle, value=1)
    make.preference(battles[1], steady, value=-1, swapped=True)
    make.preference(battles[2], oracle, value=1)
    make.preference(battles[2], oracle, value=0, swapped=True)
    make.preference(battles[3], oracle, value=1)
    make.preference(battles[3], oracle, value=-1, swapped=True, superseded_at=timezone.now())
    assert keys(flips="1") == keys(flips="1", judge=oracle.pk) == ["q1"] and keys(flips="1", judge=steady.pk) == []


def test_what_was_asked_again_to_see_drift_is_found_only_in_its_run(battles):
    oracle = make.llm_judge()
    run = make.run(battles[0].question.benchmark, judges=[oracle], trial=1)
    again = {"run": run, "trial": 1, "kept_out": KeptOut.AGAIN}
    make.preference(battles[0], oracle, value=1)
    make.preference(battles[0], oracle, value=-1, **again)
    make.preference(battles[0], oracle, value=1, swapped=True, **again)
    assert keys(flips="1") == keys(outcome="second") == keys(flips="1", judge=oracle.pk) == []
    assert keys(flips="1", run=run.pk) == keys(outcome="second", run=run.pk) == ["q1"]
    assert keys(outcome="first") == ["q1"]


def test_a_length_gap_is_a_ratio_of_known_lengths(battles):
    Answer.objects.filter(pk=battles[0].first_id).update(length=100)
    Answer.objects.filter(pk=battles[0].second_id).update(length=200)
    Answer.objects.filter(pk=battles[1].first_id).update(length=310)
    Answer.objects.filter(pk=battles[1].second_id).update(length=100)
    Answer.objects.filter(pk=battles[2].first_id).update(length=None)
    assert keys(gap="1.5") == keys(gap="2") == ["q1", "q2"] and keys(gap="3") == ["q2"]


def test_leaks_are_for_all_and_flags_and_bad_cases_for_leads(battles):
    lead = signed_in("lead")
    make.preference(battles[0], kept_out="leak")
    run, judge = make.run(battles[1].question.benchmark), make.judge("who", kind="simulated")
    Assignment.objects.create(run=run, judge=judge, battle=battles[1], status="flagged", lease_until=timezone.now())
    BadCase.objects.create(question=battles[2].question, answer=battles[2].first, text="It is wrong.")
    BadCase.objects.create(question=battles[3].question, battle=battles[3], text="The verdict is wrong.")
    assert keys(leaks="1") == ["q1"] and keys(lead, flagged="1") == ["q2"] and keys(lead, bad="1") == ["q3", "q4"]
    assert len(keys(flagged="1")) == len(keys(bad="1")) == 4, "for others there is no such filter"
    assert keys(lead, kind="questions", flagged="1") == ["q2"] and keys(lead, kind="answers", bad="1") == ["q3"]


def test_provenance_and_text(battles):
    make.preference(battles[1], provenance="imported")
    Answer.objects.filter(pk=battles[2].first_id).update(turns=["溏心蛋 needs care"])
    assert keys(provenance="imported") == ["q2"] and keys(text="溏心 care") == keys(kind="answers", text="蛋") == ["q3"]
    assert keys(kind="questions", text="egg q9") == [] and len(keys(kind="questions", text="egg boil")) == 4


def test_filters_that_a_kind_does_not_have_are_dropped(battles):
    user = make.person("lea", "lead")
    told = Filters.of({"kind": "questions", "flips": "1", "outcome": "first", "model": "3", "run": "4"}, user)
    assert told == Filters(kind="questions", model="3") and told.address == "kind=questions&model=3"
    assert Filters.of({"kind": "x", "text": "a&b 蛋"}, user).address == "text=a%26b+%E8%9B%8B"
    assert Filters.of({}, user).address == "" and not Filters.of({}, user).is_filtered


# --- pages and walking


def test_pages_go_forward_and_back_and_show_each_row_once(monkeypatch):
    monkeypatch.setattr(browsing, "PAGE", 3)
    for one in make.answered(make.benchmark(), "Ash", "Birch", questions=8):
        make.battle(one)
    for sort in ("", "newest"):
        seen, page = [], listed(sort=sort).context["page"]
        assert page.before is None and page.count == 8
        while True:
            seen += [row.question.key for row in page.rows]
            if page.after is None:
                break
            page = listed(sort=sort, after=page.after).context["page"]
        assert seen == [f"q{n}" for n in range(1, 9)][:: -1 if sort else 1]
        back = listed(sort=sort, before=page.before).context["page"]
        assert [row.question.key for row in back.rows] == seen[3:6]
        first = listed(sort=sort, before=back.before).context["page"]
        assert [row.question.key for row in first.rows] == seen[:3] and first.before is None


def test_a_long_list_says_more_than_and_counts_no_further(battles, monkeypatch):
    monkeypatch.setattr(browsing, "MOST", 3)
    assert "more than 3" in listed().text
    monkeypatch.setattr(browsing, "MOST", 4)
    assert "4 found" in listed().text


@pytest.mark.parametrize("most", [5, 8])
def test_what_a_search_finds_is_paged_beyond_what_it_counts(battles, monkeypatch, most):
    monkeypatch.setattr(browsing, "MOST_FOUND", most)
    monkeypatch.setattr(browsing, "PAGE", 3)
    many(make.benchmark("larder"), 8)
    seen, page = [], listed(text="boil").context["page"]
    assert (page.count, page.is_more) == (most, True)
    while True:
        seen += [row.pk for row in page.rows]
        if page.after is None:
            break
        page = listed(text="boil", after=page.after).context["page"]
    assert seen == list(Battle.objects.order_by("pk").values_list("pk", flat=True)) and len(seen) == 12
    assert listed(text="boil", before=seen[-1]).context["page"].rows[-1].pk == seen[-2]


def test_later_pages_of_a_search_say_the_total_that_its_first_page_said(battles, monkeypatch):
    cache.clear()
    monkeypatch.setattr(browsing, "PAGE", 3)
    behind = listed(text="boil").context["page"].after
    lead = signed_in("lead")
    assert "4 found" in listed(text="boil", after=behind).text
    assert "4 found" in listed(text="boil", before=behind + 1).text
    for unknown in (listed(lead, text="boil", after=behind), listed(text="egg", after=behind)):
        assert unknown.context["page"].count is None and 'role="status">4 found' not in unknown.text
    monkeypatch.setattr(browsing, "MOST_FOUND", 3)
    listed(text="boil")
    assert "more than 3" in listed(text="boil", after=behind).text


def test_what_was_found_in_a_part_is_not_told_as_the_total(out_of_time):
    cache.clear()
    address = {"kind": "answers", "text": "minutes"}
    page = listed(**address).context["page"]
    while page.after is not None:
        page = listed(**address, after=page.after).context["page"]
    assert (page.reached, page.count) == (None, None)


def test_texts_are_looked_at_before_anything_is_joined_to_their_rows(battles, monkeypatch):
    monkeypatch.setattr(browsing, "MOST_FOUND", 2)
    with CaptureQueriesContext(connection) as captured:
        assert "more than 2" in listed(kind="answers", text="minutes").text
    assert [one["sql"] for one in captured if "minutes" in one["sql"] and " JOIN " in one["sql"]] == []


@pytest.fixture
def out_of_time(battles, monkeypatch):
    """A search whose time is up after every two rows; of the questions q1 … q4 and l1 … l8 the last has a rare word."""
    rare = many(make.benchmark("larder"), 8)[-1].question
    rare.turns = ["A quagga egg?"]
    rare.save()
    monkeypatch.setattr(searching, "PIECE", 2)
    monkeypatch.setattr(searching, "SECONDS", 0)
    return rare


@pytest.mark.parametrize("sort", ["", "newest"])
@pytest.mark.parametrize("kind", ["battles", "answers", "questions"])
def test_a_search_that_is_out_of_time_says_how_far_it_came_and_goes_on_from_there(out_of_time, kind, sort):
    filters = {"kind": kind, "text": "quagga" if kind != "answers" else "minutes", "sort": sort}
    filters = {key: value for key, value in filters.items() if value}
    rows, address, pages = [], dict(filters), 0
    while True:
        response = listed(**address)
        page = response.context["page"]
        rows, pages = rows + [row.pk for row in page.rows], pages + 1
        if page.after is None:
            break
        assert f"Looked at so far: {2 * pages} of " in response.text and "Search on" in response.text
        address = {**filters, "after": page.after}
    if kind == "answers":
        expected = Answer.objects.filter(turns__0__icontains="minutes").values_list("pk", flat=True)
        assert rows == sorted(expected, reverse=bool(sort)) and len(rows) == 8 and pages == 13
    else:
        assert len(rows) == 1 and pages == 7
        assert "Nothing more found" in response.text
    assert "Search on" not in response.text
    back = listed(**filters, before=page.before).context["page"]
    assert back.reached or back.before is None


def test_a_search_with_nothing_yet_is_not_said_to_have_found_nothing(out_of_time):
    page = listed(text="quagga").text
    assert "Nothing found so far" in page and "Nothing fits these filters" not in page
    told = listed(text="quagga", model=make.model("Ash").pk).text
    assert "Not everything has been looked at" in told and "Looked at so far" not in told


def test_a_walk_that_is_out_of_time_leads_to_the_list_that_searches_on(out_of_time):
    first = Battle.objects.order_by("pk").first()
    walk = Client().get(reverse("battle", args=[first.pk]), {"list": "battles", "text": "quagga"}).context["walk"]
    assert walk["before"] is None and walk["after"] == f"/record/?text=quagga&after={first.pk + 2}"


def many(benchmark: Benchmark, number: int) -> list[Battle]:
    """New questions with a battle of Ash and Birch on each, written at once."""
    start, models = benchmark.questions.count(), [make.model("Ash"), make.model("Birch")]
    asked = Question.objects.bulk_create(
        Question(benchmark=benchmark, category=make.category(), key=f"q{start + n}", turns=["Boil an egg?"], position=n)
        for n in range(number)
    )
    answers = Answer.objects.bulk_create(
        Answer(question=question, model=model, turns=["Six."]) for question in asked for model in models
    )
    return Battle.objects.bulk_create(
        Battle(question=question, first=answers[2 * n], second=answers[2 * n + 1]).named()
        for n, question in enumerate(asked)
    )


@pytest.mark.parametrize("kind", ["battles", "answers", "questions"])
def test_the_list_takes_the_same_queries_for_3_and_for_300(kind, django_assert_max_num_queries):
    benchmark, judge, person = make.benchmark(), make.llm_judge(), make.judge("Simulated", kind="simulated")
    counts = []
    for more in (3, 297):
        battles = many(benchmark, more)
        Preference.objects.bulk_create(
            Preference(battle=battle, judge=who, rubric=make.rubric(), status="ok", value=value)
            for battle in battles
            for who, value in ((judge, 1), (person, -1))
        )
        Grade.objects.bulk_create(
            Grade(answer=battle.first, judge=judge, rubric=make.rubric(), status="ok", score=7) for battle in battles
        )
        with django_assert_max_num_queries(13) as captured:
            listed(kind=kind, text="egg", **({"against": "1"} if kind == "battles" else {}))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_brackets_lead_through_the_filtered_list_and_back_to_it(battles):
    for battle in (battles[0], battles[2], battles[3]):
        make.preference(battle, value=1)
    client = Client()
    page = listed(client, outcome="first")
    address = re.search(r'href="(/battles/\d+/\?list=battles&amp;outcome=first)"', page.text)
    assert address
    here = client.get(reverse("battle", args=[battles[2].pk]), {"list": "battles", "outcome": "first"})
    walk = here.context["walk"]
    assert walk["before"] == f"/battles/{battles[0].pk}/?list=battles&outcome=first"
    assert walk["after"] == f"/battles/{battles[3].pk}/?list=battles&outcome=first"
    assert walk["back"] == "/record/?outcome=first"
    assert 'data-key="["' in here.text and 'data-key="]"' in here.text and "data-keys-switch" in here.text
    newest = client.get(reverse("battle", args=[battles[2].pk]), {"list": "battles", "sort": "newest"})
    assert newest.context["walk"]["after"].startswith(f"/battles/{battles[1].pk}/")


def test_answers_are_walked_on_the_pages_of_their_questions(battles):
    birch = make.model("Birch").pk
    second = battles[1].question
    mine = second.answers.get(model=birch)
    here = Client().get(reverse("question", args=[second.pk]), {"list": "answers", "model": birch, "answer": mine.pk})
    after = battles[2].question.answers.get(model=birch)
    expected = f"/questions/{after.question_id}/?list=answers&kind=answers&model={birch}&answer={after.pk}#a{after.pk}"
    assert here.context["walk"]["after"] == expected and f'id="a{mine.pk}"' in here.text


def test_a_record_that_was_not_opened_from_a_list_has_no_list_to_walk(battles):
    assert "walk" not in Client().get(reverse("battle", args=[battles[0].pk])).context
    assert Client().get(reverse("question", args=[battles[1].question_id])).context["next"] == battles[2].question_id


# --- whose names


def test_votes_are_not_sorted_by_who_cast_them_but_for_leads(battles):
    zoe = make.person("zoeann", "annotator")
    judge = Judge.objects.create(name="zoeann", kind="person", user=zoe)
    make.preference(battles[1], judge)
    assert keys(judge=judge.pk) == [] and "zoeann" not in listed().text
    lead = signed_in("lead")
    assert keys(lead, judge=judge.pk) == ["q2"] and "zoeann" in listed(lead, judge=judge.pk).text
    assert keys(judge="people") == ["q2"]


def test_a_run_that_a_reader_may_not_see_finds_nothing(battles):
    run = make.run(battles[0].question.benchmark, status="running", name="secret run")
    make.preference(battles[0], run=run)
    assert keys(run=run.pk) == [] and "secret run" not in listed().text
    assert keys(signed_in("lead"), run=run.pk) == ["q1"]


# --- who is kept blind


@pytest.fixture
def voted_on(battles):
    """The battles, judged, in a benchmark that people vote on; and another that they do not."""
    for battle, value in zip(battles, (1, -1, 0, 1), strict=True):
        make.preference(battle, make.llm_judge(), value=value)
        make.preference(battle, make.llm_judge(), value=-value, swapped=True)
        make.preference(battle, make.judge("Simulated", kind="simulated"), value=-value, kept_out="leak")
        make.grade(battle.first)
    make.run(battles[0].question.benchmark, name="open one", status="open")
    other = make.answered(make.benchmark("larder", title_en="Larder"), "Ash", "Birch")[0]
    Battle.objects.filter(pk=make.battle(other).pk).update(question=other)
    return battles


TELLING = {
    "model": ["Ash", "Birch"], "other": ["Ash"], "run": ["1", "2"], "judge": ["people", "oracle"],
    "outcome": ["first", "second", "tie", "both_bad", "failed", "none"], "against": ["1"], "flips": ["1"],
    "gap": ["1.5", "3"], "leaks": ["1"], "provenance": ["real", "demo"], "text": ["Six", "egg"], "sort": ["newest"],
    "flagged": ["1"], "bad": ["1"],
}  # fmt: skip


def asked(name: str, value: str) -> str:
    if name in ("model", "other"):
        return str(make.model(value).pk)
    return str(Judge.objects.get(name=value).pk) if value == "oracle" else value


@pytest.mark.parametrize(
    "who", [Client, lambda: signed_in("annotator"), signed_in], ids=["visitor", "annotator", "other"]
)
def test_no_filter_tells_the_blind_anything_of_what_is_voted_on(voted_on, who):
    client, pantry = who(), voted_on[0].question.benchmark_id
    for name, values in TELLING.items():
        assert {name} <= {*browsing.TELLING, "text", "sort"}
        for value in values:
            for kind in browsing.KINDS:
                found = listed(client, kind=kind, **{name: asked(name, value)})
                rows = found.context["page"].rows
                mine = [row for row in rows if (row if kind == "questions" else row.question).benchmark_id == pantry]
                if kind != "questions":
                    assert mine == [], (kind, name, value)
                elif mine:  # all of them, or by their own text: nothing was learnt from the filter
                    assert name not in browsing.TELLING or found.context["filters"].is_telling is False
    assert set(TELLING) == {*browsing.TELLING, "text", "sort"}, "a filter that is new here is thought about here"


def test_the_text_of_answers_finds_no_question_for_the_blind(voted_on):
    Answer.objects.filter(pk=voted_on[0].first_id).update(turns=["a giveaway"])
    assert (
        keys(kind="questions", text="giveaway") == keys(text="giveaway") == keys(kind="answers", text="giveaway") == []
    )
    assert keys(signed_in("lead"), text="giveaway") == ["q1"]


def test_the_page_says_what_it_leaves_out_and_lists_the_rest(voted_on):
    page = listed(signed_in("annotator"))
    assert [row.question.benchmark.name for row in page.context["page"].rows] == ["larder"]
    assert "Left out while people vote on them" in page.text and "Pantry" in page.text
    assert len(keys(signed_in("lead"))) == 5


def test_a_walk_from_a_blind_page_leads_nowhere_that_tells(voted_on):
    battle = voted_on[1]
    page = signed_in("annotator").get(reverse("battle", args=[battle.pk]), {"list": "battles", "outcome": "second"})
    assert page.context["blind"] and page.context["walk"]["before"] is None and page.context["walk"]["after"] is None
    assert "Ash" not in page.text and "oracle" not in page.text


@pytest.mark.parametrize("roles", [(), ("annotator",), ("lead",), ("viewer",)])
def test_the_blind_benchmarks_are_those_that_the_rule_for_one_says(roles):
    for name, provenances in {"none": [], "demo": ["demo"], "real": ["real"], "both": ["demo", "real"]}.items():
        made = make.benchmark(name)
        for number, provenance in enumerate(provenances):
            make.run(made, name=f"{name} {number}", status="open", provenance=provenance)
    member = make.person("member", *roles)
    Membership.objects.create(user=member, run=Benchmark.objects.get(name="demo").runs.get())
    for user in (member, make.person("stranger", *roles), AnonymousUser()):
        expected = {one.pk for one in Benchmark.objects.all() if is_blind_on(user, one)}
        assert set(blinding_runs(user)) == expected == set(Sight.of(user).blind)


def test_an_empty_record_names_what_to_do_next(client):
    assert "The record is empty" in listed(client).text
    make.battle(make.answered(make.benchmark())[0])
    assert "Nothing fits these filters" in listed(client, text="zebra").text
