"""What a run's page tells while it is carried out: pace, money, flips, pairs; steering by two leads; many watchers at one price."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arena import pumps
from arena.locking import mark_of
from judging import calling, consumers, running, watching
from judging.items import battles_of
from judging.models import AuditEntry, Membership, Preference, Run
from judging.monitoring import Share, Tempo, monitor, quantile
from judging.progress import Line, progress
from judging.watching import fragments, sight_of, sights_of
from tests import openai_server
from tests.judging import asked
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client, monkeypatch):
    monkeypatch.setattr(calling, "call", lambda run: None)
    client.force_login(make.person("lena", "lead"))
    return client


@pytest.fixture
def other(monkeypatch):
    """A second lead."""
    client = Client()
    client.force_login(make.person("otto", "lead"))
    return client


def under_way(questions: int = 4, *, judges=None, **fields) -> Run:
    benchmark = asked.answered(questions)
    told = {"status": "running", "stage": "judgments", "started_at": timezone.now() - timedelta(seconds=300)}
    return make.run(benchmark, *asked.MODELS, judges=judges or [make.judge()], **{**told, **fields})


def judged(run: Run, n: int, **fields) -> list[Preference]:
    """Verdicts of the run's first judge on its first n items, shown as they stand."""
    told = {"run": run, "asked": 1, "seconds": 1.0, **fields}
    return [make.preference(battle, run.judges.first(), **told) for battle in battles_of(run)[:n]]


# --- numbers


def test_the_interval_of_a_share_is_wilsons():
    """0 of 10 and 15 of 20, as in the tables of Brown, Cai and DasGupta's formulas (2001)."""
    none, some = Share.of(0, 10), Share.of(15, 20)
    assert (none.low, round(none.high, 4)) == (0.0, 0.2775)
    assert (round(some.low, 4), round(some.high, 4)) == (0.5313, 0.8881)
    assert Share.of(0, 0) is None


@pytest.mark.parametrize(
    ("numbers", "share", "said"),
    [([], 0.5, None), ([3.0], 0.95, 3.0), ([1.0, 2.0], 0.5, 1.0), (list(range(1, 101)), 0.95, 95)],
)
def test_a_quantile_is_a_number_that_was_there(numbers, share, said):
    assert quantile(numbers, share) == said


def test_each_pair_of_models_has_its_line_of_all_judges_together():
    run = under_way(judges=[make.judge("one"), make.judge("two")])
    for judge in run.judges.all():
        for battle in battles_of(run)[:2]:
            make.preference(battle, judge, run=run)
    lines = monitor(run)["matchups"]
    assert [line.label for line in lines] == ["Ash – Birch", "Ash – Cedar", "Birch – Cedar"]
    assert sum(line.done for line in lines) == 4 and {line.total for line in lines} == {4 * 2 * 2}
    assert sum(line.total for line in lines) == progress(run).total


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ({"mode": "single"}, ["Ash", "Birch", "Cedar"]),
        ({"mode": "baseline"}, ["Ash – Birch", "Birch – Cedar"]),
    ],
)
def test_in_other_modes_lines_are_of_models_or_of_those_against_the_baseline(fields, labels):
    baseline = {"baseline": make.model("Birch")} if fields["mode"] == "baseline" else {}
    run = under_way(**fields, **baseline)
    lines = monitor(run)["matchups"]
    assert [line.label for line in lines] == labels and sum(line.total for line in lines) == progress(run).total


def test_pairs_add_up_to_the_whole_where_each_turn_and_sample_is_judged():
    benchmark = asked.answered(3, turns=2, samples=2)
    benchmark.questions.first().answers.filter(model__name="Cedar").delete()
    run = make.run(benchmark, *asked.MODELS, judges=[make.judge()], turns="each", limits={"samples": 2})
    assert sum(line.total for line in monitor(run)["matchups"]) == progress(run).total > 0


def test_flips_are_told_with_their_interval_and_a_tie_is_none():
    run = under_way()
    for n, battle in enumerate(battles_of(run)[:6]):
        make.preference(battle, run.judges.get(), run=run, value=1)
        if n < 5:
            make.preference(battle, run.judges.get(), run=run, value=(-1, -1, 1, 1, 0)[n], swapped=True)
    (facts,) = monitor(run)["facts"]
    assert (facts.flips.hits, facts.flips.n) == (2, 5) and 0.1 < facts.flips.low < 0.4 < facts.flips.high < 0.8


def test_seconds_are_of_one_call_and_replies_on_record_took_none():
    run = under_way()
    rows = judged(run, 4)
    for row, seconds, calls in zip(rows, (1.0, 2.0, 3.0, 40.0), (1, 1, 1, 4), strict=True):
        Preference.objects.filter(pk=row.pk).update(seconds=seconds, asked=calls)
    make.preference(battles_of(run)[5], run.judges.get(), run=run, cached=True, seconds=0)
    (facts,) = monitor(run)["facts"]
    assert (facts.timed, facts.median, facts.slow) == (4, 2.0, 10.0)
    assert (facts.kept, facts.said, facts.kept_percent) == (1, 5, 20)


def test_what_is_spent_foretells_what_the_run_will_come_to():
    run = under_way(budget=10.0)
    judged(run, 6, cost=0.5)
    money = monitor(run)["money"]
    assert (money.spent, money.forecast, money.spent_width, money.is_short) == (3.0, 12.0, "30.00", True)
    judged_without = Preference.objects.filter(run=run)
    judged_without.update(cost=None)
    money = monitor(run)["money"]
    assert (money.spent, money.forecast, money.unpriced) == (None, None, 6), "unknown is no zero"


def test_the_pace_of_late_tells_how_long_it_will_take():
    run = under_way(8)  # 48 judgments
    now = timezone.now()
    for n, row in enumerate(judged(run, 12)):
        Preference.objects.filter(pk=row.pk).update(created_at=now - timedelta(seconds=70 + 60 * (n % 3)))
    told = monitor(run)
    assert told["tempo"].peak >= 4 and told["tempo"].overall == pytest.approx(12 / 5, rel=0.05)
    assert told["ahead"] in {"540 s", "9 min"} and told["tempo"].last_minute == 0
    Run.objects.filter(pk=run.pk).update(stage="answers")
    run.refresh_from_db()
    assert monitor(run)["ahead"] == "", "nobody knows while answers are being collected"


def test_a_run_that_has_judged_nothing_promises_nothing():
    told = monitor(under_way())
    assert (told["ahead"], told["tempo"].now, told["tempo"].overall, told["money"].forecast) == ("", None, None, None)


@pytest.mark.parametrize("questions", [2, 30])
def test_the_fragment_costs_the_same_queries_for_a_small_run_and_a_large_one(django_assert_num_queries, questions):
    run = under_way(questions)
    judged(run, questions)
    with django_assert_num_queries(23):
        monitor(Run.objects.select_related("baseline", "rubric").get(pk=run.pk))


# --- panels


def test_a_panel_alone_gets_on_while_its_members_judge():
    members = [make.judge("one"), make.judge("two")]
    run = under_way(judges=[asked.panel("jury", *members)])
    assert progress(run).percent == 0
    battles = battles_of(run)
    for battle in battles:
        for swapped in (False, True):
            make.preference(battle, members[0], run=run, swapped=swapped)
    now = progress(run)
    (line,) = now.lines
    assert now.percent == 49 and [part.label for part in line.parts] == ["one", "two"]
    assert (line.done, line.left, now.to_come) == (0, 24, 24)
    for battle in battles:
        for swapped in (False, True):
            make.preference(battle, members[1], run=run, swapped=swapped)
    assert progress(run).percent == 99, "it has not spoken itself"
    for battle in battles:
        for swapped in (False, True):
            make.preference(battle, run.judges.get(), run=run, swapped=swapped)
    assert progress(run).percent == 100 and progress(run).to_come == 0


def test_a_cascades_first_member_says_how_far_it_is():
    first, second = Line("one", 10, 0, 20), Line("two", 0, 0, 20)
    assert Line("stairs", 0, 0, 20, parts=(first, second), is_cascade=True).share == pytest.approx(0.4975)
    assert Line("stairs", 20, 0, 20, parts=(first, second), is_cascade=True).share == 1


def test_members_of_a_panel_stand_under_it_on_the_page(lead):
    run = under_way(judges=[asked.panel("jury", make.judge("one"), make.judge("two"))])
    page = lead.get(reverse("run", args=[run.pk])).text
    assert page.count("sits in jury") == 2


# --- one cause at a time


def failing() -> Run:
    run = under_way(judges=[make.judge("one"), make.judge("two")], status="done")
    battles = battles_of(run)
    one, two = run.judges.order_by("name")
    make.preference(battles[0], one, run=run, status="parse_error", error="no verdict", reply="Hm.", asked=4)
    make.preference(battles[1], one, run=run, status="api_error", error="no route")
    make.preference(battles[2], two, run=run, status="parse_error", error="no verdict")
    return run


@pytest.mark.parametrize(
    ("cause", "left"),
    [
        ("parse_error|one", {("api_error", "one"), ("parse_error", "two")}),
        ("api_error|one", {("parse_error", "one"), ("parse_error", "two")}),
        ("parse_error|two", {("parse_error", "one"), ("api_error", "one")}),
        ("", set()),
    ],
)
def test_one_cause_is_retried_and_the_others_stay(lead, cause, left):
    run = failing()
    lead.post(reverse("run_retry", args=[run.pk]), {"cause": cause} if cause else {})
    failed = Preference.objects.failed().values_list("status", "judge__name")
    assert set(failed) == left
    run.refresh_from_db()
    assert run.status == "queued" and AuditEntry.objects.filter(run=run, act="run_retried", actor_name="lena").exists()


def test_a_cause_that_nothing_failed_by_starts_nothing(lead):
    run = failing()
    page = lead.post(reverse("run_retry", args=[run.pk]), {"cause": "refused|one"}, follow=True)
    assert "Nothing failed" in page.text and Run.objects.get(pk=run.pk).status == "done"


def test_a_panel_that_is_retried_for_one_cause_hears_the_members_that_failed_there():
    members = [make.judge("one"), make.judge("two")]
    run = under_way(judges=[asked.panel("jury", *members)], status="done")
    battles = battles_of(run)
    for battle, status in zip(battles[:2], ("parse_error", "api_error"), strict=True):
        make.preference(battle, members[0], run=run, status=status, error="failed")
        make.preference(battle, run.judges.get(), run=run, status=status, error="failed")
    assert running.retry_failed(run, status="api_error") == 2
    assert set(Preference.objects.failed().values_list("battle", flat=True)) == {battles[0].pk}


def test_what_failed_is_opened_with_its_calls_its_reply_and_its_place_on_record(lead):
    run = failing()
    page = lead.get(reverse("run", args=[run.pk]), {"status": "parse_error", "judge": "one"})
    (row,) = page.context["failed"]
    assert f"#preference-{row.pk}" in page.text and "Hm." in page.text and '<td class="number">4</td>' in page.text
    assert 'name="cause" value="parse_error|one"' in page.text


def test_the_causes_are_gathered_by_judge_and_status_with_every_reason():
    run = failing()
    make.preference(battles_of(run)[5], run.judges.get(name="one"), run=run, status="parse_error", error="cut off")
    (first, *_rest) = monitor(run)["failures"]
    assert (first["judge"], first["status"], first["n"]) == ("one", "parse_error", 2)
    assert sorted(first["reasons"]) == [("cut off", 1), ("no verdict", 1)]


# --- two leads


@pytest.mark.parametrize(
    ("verb", "seen", "now"),
    [
        ("run_pause", "live", "paused"),
        ("run_pause", "live", "done"),
        ("run_cancel", "live", "done"),
        ("run_cancel", "live", "paused"),
        ("run_start", "done", "running"),
        ("run_start", "paused", "cancelled"),
        ("run_retry", "done", "paused"),
    ],
)
def test_a_form_of_a_state_that_has_passed_does_nothing_and_says_so(lead, verb, seen, now):
    run = failing()
    Run.objects.filter(pk=run.pk).update(status=now)
    page = lead.post(reverse(verb, args=[run.pk]), {"seen": seen}, follow=True)
    run.refresh_from_db()
    assert run.status == now and not AuditEntry.objects.filter(run=run).exists()
    assert "Nothing was done" in page.text or "still under way" in page.text


@pytest.mark.parametrize("now", ["queued", "running"])
def test_that_a_worker_has_taken_the_run_meanwhile_is_no_other_state(lead, now):
    run = failing()
    Run.objects.filter(pk=run.pk).update(status=now)
    lead.post(reverse("run_pause", args=[run.pk]), {"seen": "live"})
    assert Run.objects.get(pk=run.pk).status == "paused"


def test_two_leads_change_one_budget_and_the_second_is_told_of_the_first(lead, other):
    run = under_way(budget=1.0, status="paused")
    seen = {"seen": "paused", "mark": mark_of(run, ("budget",))}
    Run.objects.filter(pk=run.pk).update(budget=5.0)
    page = other.post(reverse("run_start", args=[run.pk]), {**seen, "budget": "2"}, follow=True)
    run.refresh_from_db()
    assert (run.budget, run.status) == (5.0, "paused") and "it is 5 now" in page.text
    seen["mark"] = mark_of(run, ("budget",))
    other.post(reverse("run_start", args=[run.pk]), {**seen, "budget": "6"})
    run.refresh_from_db()
    assert (run.budget, run.status) == (6.0, "queued")
    (note,) = AuditEntry.objects.filter(act="budget_changed")
    assert (note.actor_name, note.facts) == ("otto", {"before": 5.0, "now": 6.0})


def test_two_leads_change_how_people_vote_and_the_second_sees_what_the_first_wrote(lead, other):
    run = make.run(make.benchmark(), status="open", limits={"overlap": 2})
    address = reverse("run_voting", args=[run.pk])
    mark = lead.get(address).context["mark"]
    other.post(address, {"mark": mark, "ballot": "four", "overlap": 5})
    page = lead.post(address, {"mark": mark, "ballot": "four", "overlap": 7})
    run.refresh_from_db()
    assert page.status_code == 422 and run.limits["overlap"] == 5 and "Somebody else saved this" in page.text
    assert page.context["form"]["overlap"].value() == "7" and ("Votes on each item", "5") in page.context["theirs"]
    lead.post(address, {"mark": page.context["mark"], "ballot": "four", "overlap": 7})
    run.refresh_from_db()
    assert run.limits["overlap"] == 7


def test_a_duplicate_is_offered_to_leads_alone(lead):
    run = failing()
    address = f"{reverse('run_new')}?from={run.pk}"
    assert address in lead.get(reverse("run", args=[run.pk])).text
    assert address not in Client().get(reverse("run", args=[run.pk])).text


@pytest.mark.parametrize(
    ("status", "said"),
    [("paused", "The run is paused."), ("failed", "The run failed."), ("running", ""), ("done", "The run is done.")],
)
def test_pause_failure_and_end_are_announced(lead, status, said):
    run = under_way(status=status)
    assert f'data-say="{said}"' in lead.get(reverse("run_fragment", args=[run.pk])).text


# --- many watchers


def crowd(run: Run) -> list:
    """People of every kind there is, and a visitor."""
    people = [make.person(role, role) for role in ("lead", "admin", "viewer", "annotator", "adjudicator")]
    people += [make.person("both", "lead", "annotator"), make.person("nobody"), make.person("chief")]
    people[-1].is_superuser = True
    people[-1].save()
    invited, asked_there = make.person("invited"), make.person("asked")
    Membership.objects.create(run=run, user=invited, role="viewer")
    Membership.objects.create(run=make.run(run.benchmark, name="another"), user=asked_there)
    return [*people, invited, asked_there, AnonymousUser()]


@pytest.mark.parametrize("votes", [(), ("real",), ("demo",), ("demo", "real")])
@pytest.mark.parametrize("status", ["running", "done"])
def test_what_all_may_see_together_is_what_each_may_see_alone(status, votes):
    run = under_way(status=status)
    people = crowd(run)
    for provenance in votes:
        make.run(run.benchmark, name=f"votes {provenance}", status="open", provenance=provenance)
    run = Run.objects.select_related("benchmark").get(pk=run.pk)
    assert sights_of([user.pk for user in people], run) == {user.pk: sight_of(user, run) for user in people}


@pytest.mark.parametrize("n", [1, 60])
def test_two_hundred_watchers_cost_the_queries_of_one(django_assert_num_queries, n):
    run = under_way()
    people = [make.person(f"lead {number}", "lead").pk for number in range(n)]
    with django_assert_num_queries(26):
        looks, html = fragments(run.pk, [(pk, "en") for pk in people])
    assert len(looks) == n and len(html) == 1


def test_each_language_and_each_role_has_a_fragment_of_its_own():
    run = under_way()
    lead, viewer = make.person("lena", "lead").pk, make.person("vera", "viewer").pk
    looks, html = fragments(run.pk, [(lead, "en"), (lead, "zh-hans"), (viewer, "en"), (None, "en")])
    assert len(html) == 3 and (None, "en") not in looks
    assert "run-pause" in html[looks[lead, "en"]] and "run-pause" not in html[looks[viewer, "en"]]


def socket(user, pk, query: bytes = b"") -> ApplicationCommunicator:
    scope = {"type": "websocket", "user": user, "query_string": query, "url_route": {"kwargs": {"pk": pk}}}
    return ApplicationCommunicator(consumers.RunProgress.as_asgi(), scope)


async def opened(one: ApplicationCommunicator) -> str:
    await one.send_input({"type": "websocket.connect"})
    return (await one.receive_output(5))["type"]


async def message(one: ApplicationCommunicator) -> dict:
    return json.loads((await one.receive_output(5))["text"])


async def shut(*sockets: ApplicationCommunicator) -> None:
    for one in sockets:
        await one.send_input({"type": "websocket.disconnect", "code": 1000})
        await one.wait(2)


@pytest.mark.django_db(transaction=True)
def test_a_second_leads_pause_shows_at_the_first_within_a_second(monkeypatch):
    """And so does a cancelled run, and a changed budget: all of them ring."""
    monkeypatch.setattr(calling, "call", lambda run: None)
    run, lena = under_way(budget=1.0), make.person("lena", "lead")
    otto = Client()
    otto.force_login(make.person("otto", "lead"))

    async def scene():
        one = socket(lena, run.pk)
        assert await opened(one) == "websocket.accept"
        found = [await message(one)]
        for verb, data in (("run_pause", {}), ("run_start", {"budget": "7"}), ("run_cancel", {})):
            began = asyncio.get_running_loop().time()
            await sync_to_async(otto.post)(reverse(verb, args=[run.pk]), data)
            found.append(await message(one))
            assert asyncio.get_running_loop().time() - began < 3
        await shut(one)
        return found

    found = asyncio.run(scene())
    statuses = [html["html"].split('data-status="', 1)[1].split('"')[0] for html in found]
    assert statuses == ["running", "paused", "queued", "cancelled"]
    assert [one["seq"] for one in found] == [1, 2, 3, 4] and "/ 7" in found[2]["html"]


@pytest.mark.django_db(transaction=True)
def test_one_fragment_is_made_for_all_sockets_of_a_run_and_the_last_to_leave_ends_it(monkeypatch):
    monkeypatch.setattr(watching, "EVERY", 0.2)
    made = []
    real = watching.monitor
    monkeypatch.setattr(watching, "monitor", lambda run: made.append(run.pk) or real(run))
    run = under_way()
    people = [make.person(f"lead {n}", "lead") for n in range(6)]

    async def scene():
        sockets = [socket(user, run.pk) for user in people]
        for one in sockets:
            assert await opened(one) == "websocket.accept"
        for one in sockets:
            await message(one)
        await asyncio.sleep(0.5)
        for one in sockets:  # those that came first were told of the others' coming
            while not await one.receive_nothing(0.01):
                await message(one)
        made.clear()
        await sync_to_async(Run.objects.filter(pk=run.pk).update)(status=Run.Status.PAUSED)
        await get_channel_layer().group_send(f"run-{run.pk}", {"type": "rang", "topic": f"run-{run.pk}"})
        texts = [await message(one) for one in sockets]
        assert len(pumps._pumps[asyncio.get_running_loop()]) == 1
        await shut(*sockets)
        assert not pumps._pumps[asyncio.get_running_loop()]
        assert not get_channel_layer().groups.get(f"run-{run.pk}")
        return texts

    texts = asyncio.run(scene())
    assert len(made) == 1 and len({text["html"] for text in texts}) == 1 and len({text["seq"] for text in texts}) == 1


@pytest.mark.django_db(transaction=True)
def test_a_slow_reader_misses_fragments_and_holds_nobody_up():
    async def scene():
        slow = pumps.Reader((1, "en"))
        for n in range(3):
            slow.tell(f"<p>{n}", str(n))
        assert await slow.next() == "2"
        slow.shut_out()
        assert await slow.next() is None

    asyncio.run(scene())


@pytest.mark.django_db(transaction=True)
def test_a_live_run_is_looked_at_without_a_bell_too(monkeypatch):
    monkeypatch.setattr(watching, "EVERY", 0.05)
    monkeypatch.setattr(watching, "STALE", 0.1)
    run, lena = under_way(), make.person("lena", "lead")

    async def scene():
        one = socket(lena, run.pk)
        await opened(one)
        first = await message(one)
        await sync_to_async(Run.objects.filter(pk=run.pk).update)(status=Run.Status.PAUSED)
        again = await message(one)
        await shut(one)
        return first, again

    first, again = asyncio.run(scene())
    assert again["seq"] >= 2 and 'data-status="paused"' in again["html"] and 'data-status="paused"' not in first["html"]


@pytest.mark.django_db(transaction=True)
def test_a_run_carried_out_by_a_worker_tells_its_pace_its_seconds_and_its_money():
    benchmark = asked.answered(4)
    with openai_server.serve() as server:
        run = asked.queued(benchmark, asked.oracle(server, price_in=1.0, price_out=1.0), budget=5.0)
        running.carry_out(run)
    told = monitor(asked.reload(run))
    (facts,) = told["facts"]
    assert facts.timed == facts.said == 24 and 0 < facts.median <= facts.slow and facts.flips.n == 12
    assert told["money"].spent > 0 and told["money"].forecast == pytest.approx(told["money"].spent)
    assert {line.percent for line in told["matchups"]} == {100} and told["tempo"].overall > 0


@pytest.mark.parametrize(("seconds", "told"), [(None, None), (1.0, None), (9.9, None), (10.0, 30.0), (600.0, 30.0)])
def test_of_a_brief_run_no_rate_is_told(seconds, told):
    assert Tempo(0, None, 30.0, [], 0, seconds).told == told


def test_what_was_asked_otherwise_than_wanted_is_counted_by_note(lead):
    run = under_way(questions=4, judges=[make.llm_judge()])
    warm, bare = "without a temperature, which it refuses", "without a <schema>"
    battles = battles_of(run)
    for place, notes in enumerate([[warm], [warm, bare], [], [warm]]):
        details = {"notes": notes} if notes else {}
        make.preference(battles[place], run.judges.get(), run=run, asked=1, details=details)
    foreign = {"provenance": "imported", "details": {"notes": "of the file's own"}}
    make.preference(battles[5], make.llm_judge("theirs"), run=run, **foreign)
    told = monitor(run)
    assert (told["notes"], told["asked"]) == ([(warm, 3), (bare, 1)], 5)
    page = lead.get(reverse("run", args=[run.pk])).content.decode()
    assert f"in 3 of 5 verdicts: {warm}" in page and "in 1 of 5 verdicts: without a &lt;schema&gt;" in page
