"""What is contested: the ranking by hand, the page that reads it, and what a lead may do from it."""

from __future__ import annotations

import math

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from arena.models import Battle
from judging.access import runs_to_adjudicate
from judging.adjudication import queue
from judging.assignment import cast, open_seats
from judging.judges.base import Verdict
from judging.models import Assignment, AuditEntry, Judge, VotingItem
from judging.models.assignment import LEASE
from rating import snapshots
from rating.confusions import confusions
from rating.contested import ranking
from rating.data import read
from rating.models import Leaderboard, Snapshot, SnapshotTable
from tests.judging import recorded as make
from tests.rating.test_confusions import marks, record, votes
from tests.rating.test_pages_boards import words

P, M = True, False


def test_people_are_ranked_by_entropy_and_then_by_how_many_they_are():
    said = {
        1: [(21, P, 1), (22, P, 1), (23, P, 1)],
        2: [(21, P, 1), (22, P, -1)],
        3: [(21, P, 1), (22, P, -1), (23, P, 1), (24, P, -1)],
        4: [(21, P, 1), (22, P, -1), (23, P, 0)],
        5: [(21, P, 1)],
    }
    rows = [(item, judge, person, value, 7) for item, all_ in said.items() for judge, person, value in all_]
    told = ranking(record(votes(rows)))["pairs"]
    assert [row[0] for row in told["people"]["rows"]] == [4, 3, 2] and told["people"]["n"] == 3
    assert told["people"]["rows"][0] == [4, 7, round(math.log2(3), 4), [1, 1, 1], None]
    assert "judges" not in told and "against" not in told


def test_people_and_judges_differ_where_they_lean_to_different_sides():
    rows = [
        (1, 21, P, 1, 7), (1, 22, P, 1, 7), (1, 11, M, -1, 7),
        (2, 21, P, 1, 7), (2, 22, P, 0, 7), (2, 11, M, -1, 7),
        (3, 21, P, 1, 7), (3, 11, M, 0, 7),
        (4, 21, P, 1, 7), (4, 11, M, 1, 7), (4, 12, M, -1, 7),
    ]  # fmt: skip
    told = ranking(record(votes(rows)))["pairs"]
    assert [row[:3] for row in told["against"]["rows"]] == [[1, 7, 2.0], [2, 7, 1.5]]
    assert [row[0] for row in told["judges"]["rows"]] == [4]


def test_scores_are_ranked_by_how_far_they_lie_apart():
    rows = [
        (1, 21, P, 2, 7), (1, 22, P, 9, 7), (1, 11, M, 5, 7),
        (2, 21, P, 4, 7), (2, 22, P, 5, 7), (2, 11, M, 9, 7),
        (3, 21, P, 5, 7), (3, 22, P, 5, 7), (3, 11, M, 5, 7),
    ]  # fmt: skip
    told = ranking(record(scores=marks(rows)))["scores"]
    assert told["people"]["rows"] == [[1, 7, 7.0, [2, 2.0, 5.5, 9.0], [1, 5.0, 5.0, 5.0]],
                                      [2, 7, 1.0, [2, 4.0, 4.5, 5.0], [1, 9.0, 9.0, 9.0]]]  # fmt: skip
    assert [row[0] for row in told["against"]["rows"]] == [2, 1] and "judges" not in told


def test_nothing_to_be_divided_on_is_nothing():
    assert ranking(record()) == {}
    assert ranking(record(votes([(1, 21, P, 1, 7), (1, 22, P, 1, 7)]))) == {}


# --- the page


@pytest.fixture
def divided(db):
    """A benchmark whose first battle splits two people, and whose second sets them against a judge; its snapshot."""
    benchmark = make.benchmark()
    battles = [make.battle(one) for one in make.answered(benchmark, "Ash", "Birch", questions=3)]
    ann, ben = (make.judge(f"Simulated {name}", kind="simulated") for name in ("ann", "ben"))
    for battle, one, other, its in zip(battles, (1, 1, 1), (-1, 1, 1), (1, -1, 1), strict=True):
        for judge, value in ((ann, one), (ben, other), (make.llm_judge(), its)):
            make.preference(battle, judge, value=value)
    snapshot = snapshots.take(benchmark)
    SnapshotTable.objects.update_or_create(
        snapshot=snapshot, name="confusions", defaults={"data": confusions(read(benchmark))}
    )
    return benchmark, battles


def page(client, benchmark, **asked):
    response = client.get(reverse("contested", args=[benchmark.pk]), asked)
    assert response.status_code == 200
    return response


def listed(client, benchmark, **asked) -> list[int]:
    return [item.row.pk for item in page(client, benchmark, **asked).context["items"]]


def test_the_page_lists_each_way_of_being_divided(client, divided):
    benchmark, (first, second, _third) = divided
    assert listed(client, benchmark) == [first.pk]
    assert listed(client, benchmark, by="against") == [second.pk]
    text = words(page(client, benchmark))
    assert "1 item is contested at all" in text and "first 1 · neither 0 · second 1" in text and "1.00" in text
    assert "How this was computed" in text and "To the adjudicators" not in text
    assert "Nobody is divided here" in words(page(client, benchmark, by="judges"))


def test_a_category_narrows_the_list_and_what_is_unknown_does_not(client, divided):
    benchmark, (first, *_rest) = divided
    assert listed(client, benchmark, category="cooking") == [first.pk]
    assert listed(client, benchmark, category="?", by="?", kind="?", page="?") == [first.pk]


def test_before_anything_is_ranked_the_page_says_what_it_takes(client, divided):
    SnapshotTable.objects.all().delete()
    assert "Nothing to be divided on yet" in words(page(client, divided[0]))
    assert "Nothing to be divided on yet" in words(page(client, make.benchmark("empty")))


def test_nothing_is_listed_to_the_blind(client, divided):
    benchmark, _battles = divided
    make.run(benchmark, status="open", name="open one")
    text = page(client, benchmark).text
    assert "hidden while people are voting" in text and "Ash" not in text and "entropy" not in text


def test_the_page_takes_the_same_queries_for_3_and_for_300(client, divided, django_assert_max_num_queries):
    benchmark, (battle, *_rest) = divided
    table = SnapshotTable.objects.get(name="confusions")
    counts = []
    for many in (3, 300):
        table.data["contested"]["pairs"]["people"] = {
            "n": many,
            "rows": [[battle.pk, battle.question.category_id, 1.0, [1, 0, 1], None]] * many,
        }
        table.save()
        with django_assert_max_num_queries(8) as captured:
            page(client, benchmark)
        counts.append(len(captured))
    assert counts[0] == counts[1]


# --- what a lead does from it


@pytest.fixture
def lead(db):
    client = Client()
    client.force_login(make.person("lea", "lead"))
    return client


def send(client, benchmark, battle, **more):
    where = reverse("contested_send", args=[benchmark.pk])
    return client.post(where, {"battle": battle.pk, **more}, follow=True)


def test_an_item_goes_to_the_adjudicators_of_the_newest_run_that_asked_about_it(lead, divided):
    benchmark, (battle, *_rest) = divided
    run = make.run(benchmark, name="votes", status="done")
    item = VotingItem.objects.create(run=run, battle=battle, category=battle.question.category)
    assert "It is before the adjudicators of “votes” now." in send(lead, benchmark, battle).text
    item.refresh_from_db()
    adjudicator = Judge.objects.create(name="ada", kind="person", user=make.person("ada", "adjudicator"))
    assert item.is_sent and not item.is_split and queue(run, adjudicator) == [battle.pk]
    entry = AuditEntry.objects.get(act="sent_to_adjudication")
    assert (entry.actor_name, entry.run, entry.facts) == ("lea", run, {"battle": battle.pk})


def test_what_was_sent_stays_before_the_adjudicators_whatever_is_voted_later(lead, divided):
    benchmark, (battle, *_rest) = divided
    run = make.run(benchmark, name="votes", status="open")
    VotingItem.objects.create(run=run, battle=battle, category=battle.question.category, wanted=3)
    send(lead, benchmark, battle)
    for name in ("ann", "bob"):
        person = Judge.objects.create(name=name, kind="person", user=make.person(name, "annotator"))
        seat = Assignment.objects.create(
            run=run, judge=person, battle=battle, holds=True, lease_until=timezone.now() + LEASE
        )
        with transaction.atomic():
            cast(open_seats().get(pk=seat.pk), Verdict(1.0))
    adjudicator = Judge.objects.create(name="ada", kind="person", user=make.person("ada", "adjudicator"))
    assert queue(run, adjudicator) == [battle.pk], "two people agreed on it, and it is to be decided all the same"
    assert [one.pk for one in runs_to_adjudicate(adjudicator.user)] == [run.pk]


def test_what_nobody_is_asked_about_is_told_and_nothing_is_changed(lead, divided):
    benchmark, (battle, *_rest) = divided
    assert "No run asks people about this item yet" in send(lead, benchmark, battle).text
    assert not AuditEntry.objects.exists()


def test_what_was_decided_is_not_sent_again(lead, divided):
    benchmark, (battle, *_rest) = divided
    run = make.run(benchmark)
    VotingItem.objects.create(run=run, battle=battle, category=battle.question.category)
    make.preference(battle, make.judge("ada", kind="simulated"), run=run, kept_out="adjudication")
    assert "has decided this item already" in send(lead, benchmark, battle).text
    assert not VotingItem.objects.for_adjudicators().exists()


def test_only_leads_send_and_only_what_belongs_to_the_benchmark(lead, divided):
    benchmark, (battle, *_rest) = divided
    other = make.benchmark("larder")
    assert send(lead, other, battle).status_code == 404
    assert lead.post(reverse("contested_send", args=[benchmark.pk]), {"battle": "²"}).status_code == 404
    annotator = Client()
    annotator.force_login(make.person("ann", "annotator"))
    assert send(annotator, benchmark, battle).status_code == 403
    elsewhere = lead.post(
        reverse("contested_send", args=[benchmark.pk]), {"battle": battle.pk, "next": "https://evil.example/"}
    )
    assert elsewhere.url == reverse("contested", args=[benchmark.pk])
    assert Battle.objects.count() == 3 and Leaderboard.objects.count() == 1 and Snapshot.objects.count() == 1
