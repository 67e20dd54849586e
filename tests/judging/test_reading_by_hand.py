"""Replies that no parser could read, read by a lead: on record as what the judge said, undone, and never read over by a parser."""

from __future__ import annotations

import pytest
from django.urls import reverse

from arena.models import Answer
from judging import reading_by_hand, running
from judging.models import BY_PERSON, AuditEntry, Grade, Preference, Run
from judging.monitoring import monitor
from judging.progress import progress
from judging.purse import spent
from judging.rereading import reread
from judging.voting import FIVE, FOUR
from tests.judging import recorded as make
from tests.judging.asked import answered, by_mode, oracle, panel, priced, queued, reload, saying

pytestmark = pytest.mark.django_db(transaction=True)
MUMBLED = "<script>alert(1)</script> Hard to say & harder to write. Alpha it is."


@pytest.fixture
def lena():
    return make.person("lena", "lead")


@pytest.fixture
def lead(client, lena):
    client.force_login(lena)
    return client


def unread(mode: str = "pairwise", *, judges=(), **fields) -> Run:
    """A run of one question and two models whose judge says nothing that can be read."""
    with saying(MUMBLED) as server:
        judge = oracle(server)
        priced(judge, 1, 2)
        chosen = [panel("jury", judge)] if judges == "panel" else [judge]
        run = by_mode(answered(1, models=("Ash", "Birch")), mode, *chosen, names=("Ash", "Birch"), **fields)
        running.carry_out(run)
    return reload(run)


def page(run: Run) -> str:
    return reverse("run_unread", args=[run.pk])


def posted(lead, run: Run, **fields):
    row = reading_by_hand.queue(run).first()
    return lead.post(page(run), {"judgment": row.pk, **fields}, follow=True)


def test_the_runs_page_leads_to_the_reply_which_is_shown_as_it_is_with_what_it_may_say(lead):
    run = unread()
    assert progress(run).failed == monitor(run)["to_read"] == 2
    assert page(run) in lead.get(reverse("run", args=[run.pk])).content.decode()
    html = lead.get(page(run)).content.decode()
    assert "2 verdicts could not be read by any parser." in html and "0 were read by people." in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Hard to say &amp; harder" in html and "<script>alert" not in html
    assert [f'value="{word}" data-key="{key}"' in html for key, word in enumerate(("a", "b", "tie", "bad"), 1)] == [
        True
    ] * 4
    assert 'data-key="n"' in html and "Ash" not in html.partition("<main")[2]


def test_what_the_judge_said_is_put_on_record_towards_the_answer_it_saw_first(lead, lena):
    run = unread()
    before, cost = list(reading_by_hand.queue(run)), spent(run)
    for row in before:
        assert "On record: what the judge said." in posted(lead, run, choice="a").content.decode()
        assert not Preference.objects.current().filter(pk=row.pk).exists()
    first, second = Preference.objects.decided().order_by("swapped")
    assert (first.value, second.value, first.value_shown, second.value_shown) == (1, -1, 1, 1)
    assert {row.reply for row in (first, second)} == {row.reply for row in before} and first.is_read_by_person
    assert (
        first.details["read_by"] == "lena" and first.details["read_at"] and first.details["read_from"] == before[0].pk
    )
    assert spent(run) == cost > 0, "what the call took stays with the failure"
    told = progress(run)
    assert (told.done, told.failed, monitor(run)["to_read"]) == (2, 0, 0)
    assert [(one.act, one.actor) for one in AuditEntry.objects.all()] == [("reply_read", lena)] * 2
    assert "No reply is left to read" in lead.get(page(run)).content.decode()
    battle = lead.get(reverse("battle", args=[first.battle_id])).content.decode()
    assert "No parser could read the reply: a person did." in battle


def test_a_reply_that_says_nothing_stays_a_failure_and_leaves_the_queue(lead):
    run = unread()
    assert "it says nothing" in posted(lead, run, says="nothing").content.decode()
    assert (progress(run).failed, reading_by_hand.queue(run).count()) == (2, 1)
    row = Preference.objects.get(parser=BY_PERSON)
    assert row.status == "parse_error" and row.details["read_by"] == "lena"
    assert running.retry_failed(run) == 2, "the judge may be asked again all the same"


def test_a_parser_never_reads_over_what_a_person_read(lead):
    run = unread()
    posted(lead, run, choice="b")
    posted(lead, run, says="nothing")
    rows = list(Preference.objects.order_by("pk").values())
    assert reread(run, every=True).read == 0
    assert list(Preference.objects.order_by("pk").values()) == rows


@pytest.mark.parametrize("says", [{"choice": "tie"}, {"says": "nothing"}])
def test_a_reading_is_undone_by_whoever_read_it(lead, says):
    run = unread()
    rows = list(reading_by_hand.queue(run).values("pk", "parser", "details", "status"))
    posted(lead, run, **says)
    other = make.person("otto", "lead")
    assert reading_by_hand.take_back(run, by=other) is None
    undo = reverse("run_unread_undo", args=[run.pk])
    assert "Undone: here it is again." in lead.post(undo, follow=True).content.decode()
    assert list(reading_by_hand.queue(run).values("pk", "parser", "details", "status")) == rows
    assert not Preference.objects.decided().exists() and AuditEntry.objects.filter(act="reading_undone").count() == 1
    assert "There is nothing more to undo." in lead.post(undo, follow=True).content.decode()


def test_the_marks_of_a_single_answer_are_those_of_the_rubric(lead):
    run = unread("single")
    wrong = posted(lead, run, **{"mark-overall": "eleven"})
    assert wrong.status_code == 422 and "A mark lies between" in wrong.content.decode()
    assert not Grade.objects.decided().exists()
    posted(lead, run, **{"mark-overall": "8"})
    assert Grade.objects.decided().get().score == 8


def test_a_judge_that_was_asked_for_five_steps_may_have_said_much_better(lead):
    with saying(MUMBLED) as server:
        judge = oracle(server, options={"scale": "five"})
        run = queued(answered(1, models=("Ash", "Birch")), judge, names=("Ash", "Birch"), order="fixed")
        running.carry_out(run)
    posted(lead, run, choice="a2")
    assert Preference.objects.decided().get().value_shown == 2


def test_a_panel_speaks_anew_by_what_was_read_and_again_when_that_is_undone(lead, lena):
    run = unread(judges="panel", order="fixed")
    jury = run.judges.get()
    assert Preference.objects.current().get(judge=jury).status != "ok" and monitor(run)["to_read"] == 1
    posted(lead, run, choice="b")
    assert Preference.objects.decided().get(judge=jury).value_shown == -1
    reading_by_hand.take_back(run, by=lena)
    assert Preference.objects.current().get(judge=jury).status != "ok"


def test_what_somebody_read_meanwhile_is_not_read_twice(lead):
    run = unread(order="fixed")
    row = reading_by_hand.queue(run).get()
    posted(lead, run, choice="a")
    again = lead.post(page(run), {"judgment": row.pk, "choice": "b"}, follow=True).content.decode()
    assert "That reply was read already" in again and Preference.objects.decided().get().value_shown == 1


def test_a_reply_may_be_passed_over_and_comes_again_after_the_others(lead):
    run = unread()
    first, second = reading_by_hand.queue(run)
    assert lead.get(page(run)).context["row"] == first
    assert lead.get(f"{page(run)}?after={first.pk}").context["row"] == second
    assert lead.get(f"{page(run)}?after={second.pk}").context["row"] == first


def test_only_leads_read_replies(client):
    run = unread(order="fixed")
    client.force_login(make.person("ann", "annotator"))
    assert client.get(page(run)).status_code == client.post(page(run)).status_code == 403


def test_a_judge_that_was_asked_for_five_steps_by_the_case_of_a_question_may_have_said_much_better(lead):
    cases = [
        {"turns": "single", "prompt": "{question} {answer_a} {answer_b}", "form": "[[A>>B]]"},
        {"turns": "multi", "prompt": "{question_2} {answer_a_2} {answer_b_2}", "form": "[[A]]"},
    ]
    rubric = make.rubric("by case", template={"cases": cases})
    with saying(MUMBLED) as server:
        benchmark = answered(2, models=("Ash", "Birch"))
        several = benchmark.questions.get(key="q1")
        Answer.objects.filter(question=several).update(turns=["one", "two"])
        benchmark.questions.filter(pk=several.pk).update(turns=["Which way?", "Why?"])
        run = queued(benchmark, oracle(server), names=("Ash", "Birch"), order="fixed", rubric=rubric)
        running.carry_out(run)
    scales = {row.battle.question.key: reading_by_hand.scale_of(row) for row in reading_by_hand.queue(run)}
    assert scales == {"q0": FIVE, "q1": FOUR}
    row = reading_by_hand.queue(run).get(battle__question__key="q0")
    lead.post(page(run), {"judgment": row.pk, "choice": "a2"})
    assert Preference.objects.decided().get().value_shown == 2
