"""Gold items: added, removed and loaded by leads, on record; every problem of a file named by its line."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from judging import golding
from judging.gold_files import read
from judging.models import AuditEntry, Gold, Preference, Run, VotingItem
from judging.voting_items import pool
from tests.judging import recorded, voting

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client):
    user = voting.person("lea", role="lead")
    client.force_login(user)
    return user


def page(run: Run) -> str:
    return reverse("gold", args=[run.pk])


def items(run: Run) -> list:
    return list(pool(run).order_by("pk"))


def is_out(run: Run, battle) -> bool:
    return VotingItem.objects.get(run=run, battle=battle).is_out


def acts() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))


def load(client, run: Run, text: str | bytes):
    data = text.encode() if isinstance(text, str) else text
    return client.post(reverse("gold_import", args=[run.pk]), {"file": SimpleUploadedFile("gold.csv", data)})


def wrong(run: Run, text: str | bytes) -> list[str]:
    with pytest.raises(golding.BadGold) as found:
        read(run, text.encode() if isinstance(text, str) else text)
    return [str(problem) for problem in found.value.problems]


@pytest.mark.parametrize(
    ("right", "ends"),
    [
        ("a", (0.5, 2)), ("b", (-2, -0.5)), ("tie", (0, 0)), ("a_or_tie", (0, 2)), ("b_or_tie", (-2, 0)), ("range", (-1, 1)),
    ],
)  # fmt: skip
def test_a_lead_says_what_is_right_on_a_pair(client, lead, right, ends):
    run = voting.open_run()
    battle = items(run)[0]
    told = {"item": battle.pk, "right": right, "is_practice": "on", "why_en": "It is so.", "why_zh": "如此。"}
    response = client.post(page(run), told | ({"lowest": "-1", "highest": "1"} if right == "range" else {}))
    assert response.status_code == 302
    gold = Gold.objects.get()
    assert (gold.battle, gold.lowest, gold.highest, gold.is_practice) == (battle, *ends, True)
    assert (gold.why_en, gold.why_zh, gold.created_by) == ("It is so.", "如此。", lead)
    assert is_out(run, battle)
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.actor, entry.run, entry.facts["items"][0]["item"]) == ("gold_added", lead, run, battle.pk)


def test_a_lead_says_which_marks_are_right_on_a_single_answer(client, lead):
    run = voting.open_run(mode="single")
    answer = items(run)[0]
    assert client.post(page(run), {"item": answer.pk, "lowest": "3", "highest": "4"}).status_code == 302
    gold = Gold.objects.get()
    assert (gold.answer, gold.battle, gold.lowest, gold.highest) == (answer, None, 3, 4)
    assert "a mark from 3 to 4" in client.get(page(run)).text


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"right": "range", "lowest": "-3", "highest": "1"}, "A number from -2 to 2 is meant."),
        ({"right": "range", "lowest": "1", "highest": "-1"}, "The lowest is above the highest."),
        ({"right": "range", "lowest": "nan", "highest": "1"}, "Enter a number."),
        ({"right": ""}, "This field is required."),
        ({"right": "perhaps"}, "Select a valid choice."),
        ({"right": "a", "item": "999999"}, "This is none of the run&#x27;s items."),
    ],
)
def test_what_cannot_be_gold_is_said_and_the_input_is_kept(client, lead, told, words):
    run = voting.open_run()
    response = client.post(page(run), {"item": items(run)[0].pk, "why_en": "my reasons", **told})
    assert response.status_code == 422
    assert words in response.text and "my reasons" in response.text
    assert not Gold.objects.exists() and not acts()


def test_an_item_of_another_run_and_one_that_is_gold_already_are_refused(client, lead):
    run = voting.open_run()
    other = recorded.battle(recorded.answered(recorded.benchmark())[0])
    assert client.post(page(run), {"item": other.pk, "right": "a"}).status_code == 422
    battle = items(run)[0]
    for status in (302, 422):
        assert client.post(page(run), {"item": battle.pk, "right": "a"}).status_code == status
    with pytest.raises(golding.BadGold, match="gold already"):
        golding.add(run, [golding.Truth(items(run)[1].pk, 0, 0), golding.Truth(battle.pk, 0, 0)], by=lead)
    assert Gold.objects.count() == 1 and acts() == ["gold_added"]


def test_removing_makes_it_an_ordinary_item_and_keeps_its_votes(client, lead):
    run = voting.open_run()
    battle = items(run)[0]
    client.post(page(run), {"item": battle.pk, "right": "a"})
    vote = recorded.preference(battle, voting.judge(), run=run, rubric=run.rubric, kept_out="gold")
    gold = Gold.objects.get()
    other = recorded.run(run.benchmark, name="other")
    assert client.post(reverse("gold_remove", args=[other.pk, gold.pk])).status_code == 404
    assert client.get(reverse("gold_remove", args=[run.pk, gold.pk])).status_code == 405
    assert client.post(reverse("gold_remove", args=[run.pk, gold.pk])).status_code == 302
    assert not Gold.objects.exists() and not is_out(run, battle)
    assert Preference.objects.get() == vote and acts() == ["gold_added", "gold_removed"]


def test_what_all_say_and_what_was_adjudicated_is_suggested(client, lead):
    run = voting.open_run(questions=5)
    alike, split, settled, gold, few = items(run)
    judges = [voting.judge(name) for name in ("ann", "bo", "cy")]
    for judge, value in zip(judges, (1, 1, -1), strict=True):
        for battle in (split, settled):
            recorded.preference(battle, judge, run=run, rubric=run.rubric, value=value)
        for battle in (alike, gold):
            recorded.preference(battle, judge, run=run, rubric=run.rubric, value=-1)
    recorded.preference(few, judges[0], run=run, rubric=run.rubric, value=1)
    recorded.preference(settled, judges[2], run=run, rubric=run.rubric, value=0, kept_out="adjudication", trial=1)
    golding.add(run, [golding.Truth(gold.pk, -2, -0.5)], by=lead)
    found = golding.suggested(run)
    assert [(one.item, one.lowest, one.highest, one.people) for one in found] == [
        (settled, 0, 0, 3), (alike, -2, -0.5, 3),
    ]  # fmt: skip
    assert [one.is_adjudicated for one in found] == [True, False]
    told = client.get(page(run)).text
    assert "Blatherskite is better" in told and f"?item={alike.pk}&amp;right=range&amp;lowest=-2.0" in told


def test_marks_that_are_near_each_other_are_suggested_with_room_on_both_sides():
    run = voting.open_run(mode="single", models=1, questions=2)
    near, far = items(run)
    for name, marks in (("ann", (4, 1)), ("bo", (4.2, 3)), ("cy", (4.4, 5))):
        judge = voting.judge(name)
        for answer, mark in zip((near, far), marks, strict=True):
            recorded.grade(answer, judge, run=run, rubric=run.rubric, score=mark)
    (one,) = golding.suggested(run)
    assert (one.item, one.lowest, one.highest) == (near, pytest.approx(3.6), pytest.approx(4.8))


def test_a_suggestion_fills_the_form(client, lead):
    run = voting.open_run()
    battle = items(run)[0]
    told = client.get(page(run), {"item": battle.pk, "right": "range", "lowest": "-2.0", "highest": "-0.5"}).text
    assert 'value="-0.5"' in told and "It is what text 0 says." in told
    assert client.get(page(run), {"item": "nonsense"}).status_code == 200


def test_items_are_found_by_words_key_and_id(client, lead):
    run = voting.open_run()
    battle = items(run)[2]
    for words in ("What is 2", "q2", str(battle.pk)):
        assert f"?item={battle.pk}" in client.get(page(run), {"q": words}).text
    assert "No item of this run fits" in client.get(page(run), {"q": "elephant"}).text


@pytest.mark.parametrize(("voting_data", "said"), [({}, True), ({"gold_every": 10, "practice": 1}, False)])
def test_gold_that_nobody_is_shown_is_said_to_be_so(client, lead, voting_data, said):
    run = voting.open_run(voting=voting_data)
    one, two = items(run)[:2]
    golding.add(run, [golding.Truth(one.pk, 0, 0), golding.Truth(two.pk, 0, 0, is_practice=True)], by=lead)
    told = client.get(page(run)).text
    assert ("Silent gold items are not shown" in told, "Practice items are not shown" in told) == (said, said)


# --- files


def test_a_file_names_items_by_id_or_by_question_and_models(client, lead):
    run = voting.open_run()
    one, two, three, four = items(run)
    text = (
        "item,question,first,second,right,lowest,highest,practice,why_en,why_zh\n"
        f"{one.pk},,,,a,,,yes,Because,因为\n"
        ",q1,Zephyrion,Blatherskite,b_or_tie,,,,,\n"
        ",q2,Blatherskite,Zephyrion,a,,,no,,\n"
        ",q3,Blatherskite,Zephyrion,,-1,2,no,,\n"
    )
    assert load(client, run, "\ufeff" + text).status_code == 302
    found = list(Gold.objects.values_list("battle", "lowest", "highest", "is_practice", "why_zh"))
    assert found == [
        (one.pk, 0.5, 2, True, "因为"), (two.pk, -2, 0, False, ""), (three.pk, -2, -0.5, False, ""),
        (four.pk, -2, 1, False, ""),
    ]  # fmt: skip
    assert all(is_out(run, battle) for battle in (one, two, three, four))
    assert AuditEntry.objects.get().facts["source"] == "file" and len(AuditEntry.objects.get().facts["items"]) == 4


def test_a_file_for_single_answers_names_the_model(client, lead):
    run = voting.open_run(mode="single")
    assert load(client, run, "question,model,lowest,highest\nq0,Zephyrion,1,2\n").status_code == 302
    assert Gold.objects.get().answer.model.name == "Zephyrion"


def test_every_problem_of_a_file_is_named_by_its_line_and_nothing_is_added(client, lead):
    run = voting.open_run()
    one, two = items(run)[:2]
    golding.add(run, [golding.Truth(two.pk, 0, 0)], by=lead)
    text = (
        "item,question,first,second,right,lowest,highest,practice,why_en\n"
        f"{one.pk},,,,a,,,,\n"
        "77777,,,,a,,,,\n"
        f"{one.pk},,,,A,,,,\n"
        f"{two.pk},,,,tie,,,,\n"
        ",q2,Zephyrion,,perhaps,,,,\n"
        ",q2,Zephyrion,Nobody,,1,x,maybe,\n"
        ",q3,Zephyrion,Blatherskite,,1,-1,,\n"
        ",q3,Zephyrion,Blatherskite,,nan,3,,\n"
    )
    assert wrong(run, text) == [
        "line 3, item: is none of this run's items",
        "line 4, item: stands in line 2 too",
        "line 5, item: is gold already",
        "line 6, second: is missing",
        "line 6, right: one of these is meant: a, tie, b, a_or_tie, b_or_tie",
        "line 7, question: is none of this run's items",
        "line 7, highest: is not a number",
        "line 7, practice: yes or no is meant",
        "line 8, lowest: is above the highest",
        "line 9, lowest: is outside -2 to 2",
        "line 9, highest: is outside -2 to 2",
        "line 9, item: stands in line 8 too",
    ]
    response = load(client, run, text)
    assert response.status_code == 422 and "line 8, lowest: is above the highest" in response.text
    assert Gold.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, item: a column item or question is needed"),
        ("item,colour\n", "line 1, colour: there is no such column"),
        ("item,item\n1,1\n", "line 1, item: stands there twice"),
        ("item,right\n", "line 1, file: holds no item"),
        ("item,right\n1,a,b\n", "line 2, file: has another number of cells than the head"),
        ("item,right\n1\n", "line 2, file: has another number of cells than the head"),
        (b"item,right\n1,a\n\xff,a\n", "line 3, file: is not UTF-8"),
        ("item,right\n" + "1,a\n" * 2001, "line 2002, file: has more than 2000 items"),
        (b"x" * 1_000_001, "line 1, file: is larger than 1000000 bytes"),
    ],
)
def test_a_file_that_is_none_says_why(text, words):
    run = voting.open_run()
    assert wrong(run, text) == [words]


def test_an_item_that_two_names_fit_must_be_given_by_its_id():
    run = voting.open_run()
    run.candidates.update(name="Twin")
    text = "question,first,second,right\nq0,Twin,Twin,a\n"
    assert wrong(run, text) == ["line 2, question: fits several items: give its id instead"]


def test_no_file_at_all_is_said(client, lead):
    run = voting.open_run()
    response = client.post(reverse("gold_import", args=[run.pk]))
    assert response.status_code == 422 and "line 1, file: is missing" in response.text


# --- who, and at what cost


@pytest.mark.parametrize("role", ["", "annotator", "adjudicator"])
def test_only_leads_see_and_change_gold(client, role):
    run = voting.open_run()
    gold = Gold.objects.create(run=run, battle=items(run)[0], lowest=0, highest=0)
    remove = reverse("gold_remove", args=[run.pk, gold.pk])
    assert client.get(page(run)).status_code == client.post(remove).status_code == 302
    client.force_login(voting.person("ann", role=role))
    answers = [client.get(page(run)), client.post(page(run)), client.post(remove), load(client, run, "item\n")]
    assert [one.status_code for one in answers] == [403] * 4
    assert Gold.objects.exists()


def test_the_page_costs_the_same_queries_for_1_gold_item_and_for_30(client, lead):
    run = voting.open_run(questions=31)
    counts = []
    for some in (items(run)[:1], items(run)[1:]):
        golding.add(run, [golding.Truth(one.pk, 0, 0) for one in some], by=lead)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(page(run)).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 10
