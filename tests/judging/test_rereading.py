"""Replies on record read again: no call, no cost, the earlier reading kept, and nothing read that answers another prompt."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from arena.models import LanguageModel
from judging import rereading, running
from judging.judges.base import Verdict
from judging.judges.llm import ASKED_AGAIN
from judging.models import BY_PERSON, Grade, Judge, Preference, Run
from judging.progress import progress
from judging.purse import spent
from judging.reading_by_hand import settle
from judging.replies import PARSER_VERSION
from judging.rereading import reread
from judging.verdicts import exhibits_for
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import answered, by_mode, namesake, oracle, panel, priced, queued, reload, saying

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server():
    with openai_server.serve() as served:
        yield served


def unread(table=Preference, **which) -> int:
    """Make these rows what a parser left that could not read such replies; how many."""
    value = {"value": None} if table is Preference else {"score": None, "scores": {}}
    rows = table.objects.filter(**which)
    return rows.update(parser="0", status="parse_error", error="the reply holds no verdict", **value)


def said(*arguments, **options) -> str:
    out = StringIO()
    call_command("reread", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.mark.parametrize("mode", ["single", "baseline", "pairwise"])
def test_what_an_older_parser_could_not_read_becomes_a_verdict_without_a_call(server, mode):
    judge = oracle(server)
    priced(judge, 1, 2)
    run = by_mode(answered(2), mode, judge)
    running.carry_out(run)
    table = Grade if mode == "single" else Preference
    value = "score" if mode == "single" else "value"
    place = ("answer",) if mode == "single" else ("battle", "swapped")
    known = {tuple(row[:-1]): row[-1] for row in table.objects.values_list(*place, value)}
    cost, calls, tokens = spent(run), server.count, set(table.objects.values_list("pk", "tokens_in"))
    count = unread(table)
    assert progress(reload(run)).failed == count == len(known)

    told = reread(run)
    assert (told.read, told.changed, told.another_prompt) == (count, count, 0)
    assert server.count == calls and spent(run) == pytest.approx(cost) and cost > 0
    now = table.objects.decided()
    assert {tuple(row[:-1]): row[-1] for row in now.values_list(*place, value)} == known
    assert set(now.values_list("parser", "asked", "cost", "tokens_in")) == {(PARSER_VERSION, 0, 0.0, None)}
    assert progress(reload(run)).done == count and progress(run).failed == 0

    before = table.objects.filter(superseded_at__isnull=False)
    assert set(before.values_list("status", "parser")) == {("parse_error", "0")}
    assert set(before.values_list("pk", "tokens_in")) == tokens
    assert {row.reply for row in before} == {row.reply for row in now} and all(row.digest for row in now)
    assert {(row.run_id, row.provenance) for row in now} == {(run.pk, "real")}


def test_reading_again_a_second_time_changes_nothing(server):
    run = queued(answered(1), oracle(server))
    running.carry_out(run)
    unread()
    reread(run)
    rows = list(Preference.objects.order_by("pk").values())
    assert (reread(run).read, reread(run, every=True).changed) == (0, 0)
    assert list(Preference.objects.order_by("pk").values()) == rows


def test_a_verdict_that_stays_the_same_keeps_its_row_and_is_marked_as_read_by_todays_parser(server):
    run = queued(answered(1), oracle(server))
    running.carry_out(run)
    Preference.objects.update(parser="0")
    rows = set(Preference.objects.values_list("pk", "value", "cost"))
    assert (reread(run).read, reread(run).read) == (6, 0)
    assert set(Preference.objects.values_list("pk", "value", "cost")) == rows
    assert set(Preference.objects.values_list("parser", "superseded_at")) == {(PARSER_VERSION, None)}


def test_a_value_that_an_older_parser_got_wrong_is_replaced(server):
    run = queued(answered(1), oracle(server))
    running.carry_out(run)
    values = dict(Preference.objects.values_list("digest", "value"))
    Preference.objects.update(parser="0", value=0, both_bad=True)
    assert reread(run).changed == 6
    assert dict(Preference.objects.decided().values_list("digest", "value")) == values
    assert not Preference.objects.decided().filter(both_bad=True).exists()


def test_what_answers_another_prompt_is_left_and_counted(server):
    benchmark = answered(2)
    run = queued(benchmark, oracle(server))
    running.carry_out(run)
    unread()
    benchmark.questions.filter(key="q0").update(turns=["Another question altogether?"])
    told = reread(run)
    assert (told.read, told.changed, told.another_prompt) == (6, 6, 6)
    assert Preference.objects.failed().filter(battle__question__key="q0").count() == 6


def test_rows_from_before_there_were_digests_are_read_by_what_was_asked(server):
    run = queued(answered(1), oracle(server))
    running.carry_out(run)
    unread()
    Preference.objects.update(digest="", details={})
    assert reread(run).changed == 6 and Preference.objects.decided().count() == 6


def test_a_reply_that_still_cannot_be_read_stays_a_failure(server):
    with openai_server.serve(garble=1) as garbled:
        run = queued(answered(1), oracle(garbled))
        running.carry_out(run)
        calls = garbled.count
        Preference.objects.update(parser="0")
        told = reread(run)
        assert garbled.count == calls
    assert (told.read, told.changed) == (6, 0) and Preference.objects.failed().count() == 6


def test_what_an_older_parser_read_of_a_reply_that_was_cut_off_becomes_a_failure_of_its_own(server):
    run = queued(answered(1), oracle(server))
    running.carry_out(run)
    row = Preference.objects.decided().first()
    cut = {"reply": "At first [[A]] looks better, but", "details": {"finish": ["length"]}, "parser": "2", "value": 1}
    Preference.objects.filter(pk=row.pk).update(**cut)
    told = reread(run)
    (failed,) = Preference.objects.failed()
    assert (told.changed, failed.status, failed.value, failed.reply) == (1, "truncated", None, cut["reply"])
    assert reread(run).changed == 0


def test_a_refusal_and_a_failed_call_without_a_reply_are_not_read_again(server):
    run = queued(answered(1), oracle(server))
    running.carry_out(run)
    one, other = Preference.objects.order_by("pk")[:2]
    Preference.objects.filter(pk=one.pk).update(status="api_error", error="timed out", value=None, reply="", parser="")
    Preference.objects.filter(pk=other.pk).update(status="refused", error="no", value=None)
    assert reread(run).read == 0 and Preference.objects.failed().count() == 2


def test_the_reply_to_the_repair_turn_is_the_one_that_counts(server):
    run = queued(answered(1), oracle(server))
    running.carry_out(run)
    for row in Preference.objects.all():
        first = "I would rather not say yet."
        row.details = {"finish": ["stop", "stop"]}
        row.details["spans"] = [
            [0, len(first)],
            [len(first + ASKED_AGAIN), len(first + ASKED_AGAIN) + len(row.reply)],
        ]
        row.reply = first + ASKED_AGAIN + row.reply
        row.save()
    values = dict(Preference.objects.values_list("digest", "value"))
    unread()
    assert reread(run).changed == 6
    assert dict(Preference.objects.decided().values_list("digest", "value")) == values


def test_several_samples_are_read_again_as_what_they_come_to(server):
    run = queued(answered(1), oracle(server, options={"samples": 3}))
    running.carry_out(run)
    values = dict(Preference.objects.values_list("digest", "value"))
    unread()
    assert reread(run).changed == 6 and dict(Preference.objects.decided().values_list("digest", "value")) == values


def test_what_was_read_again_is_a_reply_on_record_for_others(server):
    benchmark, judge = answered(1), oracle(server)
    run = queued(benchmark, judge)
    running.carry_out(run)
    unread()
    reread(run)
    server.forget()
    again = queued(benchmark, namesake(judge))
    running.carry_out(again)
    assert server.count == 0 and progress(again).done == 6


@pytest.mark.parametrize("reading", [Verdict(status="ok", value=0.0), None])
def test_what_a_person_reads_meanwhile_stands_and_the_rest_is_read_again(server, reading, monkeypatch):
    judge = oracle(server)
    run = queued(answered(1), panel("jury", judge))
    running.carry_out(run)
    unread(judge=judge)
    row, lead = Preference.objects.failed().first(), make.person("lena", "lead")

    def meanwhile(machine, items):
        settle(run, row.pk, reading, by=lead)
        return exhibits_for(machine, items)

    monkeypatch.setattr(rereading, "exhibits_for", meanwhile)
    told = reread(run)
    assert (told.read, told.changed) == (5, 5)
    rows = Preference.objects.current().filter(judge=judge)
    assert rows.count() == 6 and rows.exclude(parser=BY_PERSON).decided().count() == 5
    kept = rows.get(parser=BY_PERSON)
    assert (kept.battle, kept.swapped) == (row.battle, row.swapped)
    assert (kept.pk == row.pk, kept.value) == ((True, None) if reading is None else (False, 0))


@pytest.mark.parametrize("mode", ["single", "pairwise"])
def test_members_of_a_panel_are_read_again_and_the_panel_says_at_once_what_they_come_to(server, mode):
    members = oracle(server, "first"), oracle(server, "second")
    inner = panel("inner", *members)
    jury = panel("jury", inner, members[0])
    run = by_mode(answered(1), mode, jury)
    running.carry_out(run)
    table, value = (Grade, "score") if mode == "single" else (Preference, "value")
    known = set(table.objects.filter(judge=jury).values_list("digest", "turn", value))
    for judge in (*members, inner, jury):
        count = unread(table, judge=judge)
    calls = server.count
    told = reread(run)
    assert (told.changed, told.composed, told.to_compose) == (2 * count, 2 * count, 0)
    assert server.count == calls and not table.objects.failed().exists()
    now = table.objects.decided().filter(judge=jury)
    assert set(now.values_list("digest", "turn", value)) == known and now.count() == count
    assert set(now.values_list("run", "provenance")) == {(run.pk, "real")}


def test_a_cascade_that_would_now_ask_another_member_waits_for_the_next_go(server):
    members = [oracle(server, name) for name in ("first", "second", "third")]
    stairs = panel("stairs", *members, kind="cascade")
    run = queued(answered(1), stairs)
    running.carry_out(run)
    assert not Preference.objects.filter(judge=members[2]).exists()
    cut = {"reply": "At first [[A]] looks better, but", "details": {"finish": ["length"]}, "parser": "2"}
    assert Preference.objects.filter(judge=members[1]).update(**cut) == 6
    told = reread(run)
    assert (told.composed, told.to_compose) == (0, 6)
    run.enqueue()
    running.carry_out(reload(run))
    assert Preference.objects.decided().filter(judge=stairs).count() == 6
    assert Preference.objects.decided().filter(judge=members[2]).count() == 6


def test_the_page_says_what_was_composed_and_what_waits(server, client):
    client.force_login(make.person("lena", "lead"))
    members = [oracle(server, name) for name in ("first", "second", "third")]
    run = queued(answered(1), panel("jury", *members[:2]), panel("stairs", *members, kind="cascade"))
    running.carry_out(run)
    cut = {"reply": "At first [[A]] looks better, but", "details": {"finish": ["length"]}, "parser": "2"}
    Preference.objects.filter(judge=members[1]).update(**cut)
    page = client.post(reverse("run_reread", args=[run.pk]), follow=True).text
    assert "6 verdicts of panels and cascades were composed anew" in page
    assert "6 verdicts of panels and cascades were set aside" in page


def test_the_page_says_why_a_judge_whose_settings_are_refused_today_is_not_read_again(server, client):
    client.force_login(make.person("lena", "lead"))
    judge = oracle(server)
    run = queued(answered(1), judge)
    running.carry_out(run)
    Preference.objects.update(parser="2")
    Judge.objects.filter(pk=judge.pk).update(options={**judge.options, "verdict": "logprobs"})
    LanguageModel.objects.filter(pk=judge.model_id).update(provider="anthropic")
    response = client.post(reverse("run_reread", args=[run.pk]), follow=True)
    assert response.status_code == 200 and "log-prob" in response.text
    assert not Preference.objects.filter(parser=PARSER_VERSION).exists()


def test_only_the_runs_own_judges_and_rubric_are_read_again(server):
    benchmark = answered(1)
    run, other = (
        queued(benchmark, oracle(server)),
        queued(benchmark, oracle(server, "else"), rubric=make.rubric("else")),
    )
    running.carry_out(run)
    running.carry_out(other)
    unread()
    assert reread(run).changed == 6 and Preference.objects.failed().count() == 6


def test_turns_are_read_again_as_turns(server):
    run = queued(answered(1, turns=2), oracle(server), mode="single", turns="each")
    running.carry_out(run)
    scores = set(Grade.objects.values_list("answer", "turn", "score"))
    unread(Grade)
    assert reread(run).changed == 6 and set(Grade.objects.decided().values_list("answer", "turn", "score")) == scores


# --- the command


def test_the_command_says_what_it_did(server):
    run = queued(answered(2), oracle(server))
    running.carry_out(run)
    unread()
    run.benchmark.questions.filter(key="q0").update(system="Be brief.")
    calls = server.count
    lines = [line.split(maxsplit=1) for line in said(str(run.pk)).splitlines()]
    assert lines == [
        ["6", "replies read again"],
        ["6", "verdicts changed"],
        ["6", "left as they are: another prompt would be sent now"],
    ]
    assert server.count == calls


def test_the_command_tells_programs_the_same(server):
    run = queued(answered(1), oracle(server))
    running.carry_out(run)
    unread()
    assert json.loads(said(str(run.pk), format="json")) == {
        "run": run.pk,
        "read": 6,
        "changed": 6,
        "another_prompt": 0,
        "composed": 0,
        "to_compose": 0,
    }
    told = json.loads(said(str(run.pk), every=True, format="json"))
    assert told == {"run": run.pk, "read": 6, "changed": 0, "another_prompt": 0, "composed": 0, "to_compose": 0}


def test_the_command_says_that_panels_were_composed_anew():
    with saying("[[A]]") as server:
        run = queued(answered(1), panel("jury", oracle(server, "first"), oracle(server, "second")))
        running.carry_out(run)
    unread(judge__kind="llm")
    assert "6  verdicts of panels and cascades composed anew" in said(str(run.pk))


def test_a_run_that_is_not_there_is_one_line():
    with pytest.raises(CommandError, match="^there is no run 7$"):
        said("7")
    assert not Run.objects.exists()
