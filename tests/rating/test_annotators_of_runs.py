"""Annotators of a run from real rows: odd ones are flagged by the right figure, good ones by none; and the pages that say so."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from judging.models import Assignment, Gold, Judge, Membership, Preference, Run
from judging.voting_items import pool
from rating import annotating
from rating.annotator_words import FLAGS
from rating.stats import annotators as words_of
from rating.stats.annotators import DISAGREES, DRIFTS, FIRST_SLOT, INCONSISTENT, WRONG, Annotators
from rating.stats.pace import HURRIES
from rating.views import annotators
from tests.judging import recorded, voting
from tests.rating import crowd_rows, simulated
from tests.rating.simulated import CARELESS, DRIFTING, GOOD, HURRYING, LEANING
from tests.rating.test_pages_boards import words

pytestmark = pytest.mark.django_db

MUST = {GOOD: set(), CARELESS: {DISAGREES, WRONG}, DRIFTING: {DRIFTS}, LEANING: {FIRST_SLOT}, HURRYING: {HURRIES}}
MAY = {CARELESS: {INCONSISTENT}, DRIFTING: {DISAGREES, WRONG}}
"""What follows from the same fault: who answers at random in the last third disagrees over all as well."""


def small(*, people: int = 4, items: int = 24, **fields) -> tuple[Run, list[Judge]]:
    return crowd_rows.put(simulated.crowd(1, good=people, odd=(), items=items, golds=3), **fields)


def lead(client) -> User:
    user = recorded.person("lea", "lead")
    client.force_login(user)
    return user


# --- the figures


def test_each_odd_annotator_is_flagged_by_the_right_figure_and_no_good_one_is():
    made = simulated.crowd(3)
    run, judges = crowd_rows.put(made)
    crowd = annotating.of_run(run)
    for kind, judge in zip(made.kinds, judges, strict=True):
        flags = set(crowd.of(judge.pk).row.flags)
        assert MUST[kind] <= flags <= MUST[kind] | MAY.get(kind, set()), (kind, flags)
    assert len(crowd.flagged) == 4
    assert [bool(one.flags) for one in crowd.people] == [True] * 4 + [False] * 8


def test_the_figures_are_those_of_the_rows():
    run, judges = small()
    person = annotating.of_run(run).of(judges[0].pk)
    mine = Preference.objects.filter(judge=judges[0])
    assert person.row.votes == mine.exclude(kept_out="repeat").count()
    assert person.seats.votes == mine.filter(kept_out="").count() == person.row.shared
    golds = {gold.battle_id: gold for gold in Gold.objects.all()}
    right = [golds[vote.battle_id].is_right([vote.value]) for vote in mine.filter(kept_out="gold")]
    assert (person.row.gold.n, person.row.gold.value, person.row.gold.wanted) == (len(right), None, 7)
    assert person.row.repeats.n == mine.filter(kept_out="repeat").count()
    assert person.row.first_slot.n == mine.exclude(value=0).count()
    assert person.seats.minutes is not None and annotating.of_run(run).of(judges[-1].pk).seats.minutes is None


def test_seconds_come_from_active_time_where_a_page_told_and_else_from_the_vote_before():
    run, judges = small(told_active=0)
    by_gap = annotating.of_run(run).of(judges[0].pk).row
    Assignment.objects.filter(judge=judges[0]).update(active_ms=4000)
    told = annotating.of_run(run).of(judges[0].pk).row
    assert (told.pace, told.tempo.value < 0.5) == (4.0, True)
    assert by_gap.pace > 10 and by_gap.tempo.n < told.tempo.n


def test_practice_and_adjudication_say_nothing_of_quality():
    run, judges = small()
    before = annotating.of_run(run).of(judges[0].pk).row
    battle = Preference.objects.filter(judge=judges[0]).first().battle
    for trial, why in enumerate(("practice", "adjudication"), start=5):
        recorded.preference(battle, judges[0], run=run, rubric=run.rubric, value=-2, kept_out=why, trial=trial)
    assert annotating.of_run(run).of(judges[0].pk).row == before


def test_of_several_turns_the_mean_is_held_against_the_truth_and_the_item_is_one_case():
    run, judges = small()
    truths, right = Gold.objects.filter(run=run), []
    for number, gold in enumerate(truths):
        Gold.objects.filter(pk=gold.pk).update(lowest=0.5, highest=2)
        mine = Preference.objects.filter(judge=judges[0], battle=gold.battle, kept_out="gold")
        for turn, value in ((1, 1.0), (2, -1.0 if number else 0.0)):
            recorded.preference(
                gold.battle, judges[0], run=run, rubric=run.rubric, value=value, kept_out="gold", turn=turn, trial=9
            )
        mine.filter(turn=0).delete()
        right.append(not number)
    assert len(right) == 3
    crowd = annotating.of_run(run)
    truth = {(run.pk, gold.battle_id): (0.5, 2.0) for gold in truths}
    found = [one for one in annotating._right([v for v in crowd.votes if v.judge == judges[0].pk], truth) if one >= 0]
    assert sorted(found) == [0, 0, 1] and crowd.of(judges[0].pk).row.gold.n == 3


def test_a_vote_before_an_item_became_gold_is_not_held_against_the_truth():
    run, judges = small()
    vote = Preference.objects.filter(judge=judges[0], kept_out="").first()
    before = annotating.of_run(run).of(judges[0].pk).row.gold.n
    Gold.objects.create(run=run, battle=vote.battle, lowest=-2, highest=2)
    assert annotating.of_run(run).of(judges[0].pk).row.gold.n == before


def test_below_the_fewest_cases_nothing_is_said():
    run, judges = crowd_rows.put(simulated.crowd(1, good=3, odd=(), items=6, golds=1))
    person = annotating.of_run(run).of(judges[0].pk)
    assert (person.row.agreement.value, person.wanted, person.flags) == (None, 4, ())
    assert all(part.share.value is None for part in person.row.weeks)


def test_weeks_and_categories_hold_all_shared_votes():
    run, judges = small(items=60)
    row = annotating.of_run(run).of(judges[0].pk).row
    assert len(row.weeks) >= 3 and len(row.categories) == 2
    assert sum(part.share.n for part in row.weeks) == sum(part.share.n for part in row.categories) == row.shared
    assert [part.code for part in row.weeks] == sorted(part.code for part in row.weeks)
    assert annotating.week_name(row.weeks[0].code).startswith("2026-W")


def test_a_benchmark_takes_the_votes_of_all_its_runs():
    run, judges = small()
    other = recorded.run(run.benchmark, name="again", rubric=recorded.rubric("another"))
    battle = Preference.objects.first().battle
    recorded.preference(battle, judges[0], run=other, rubric=other.rubric)
    whole = annotating.of_benchmark(run.benchmark).of(judges[0].pk).row
    assert whole.votes == annotating.of_run(run).of(judges[0].pk).row.votes + 1


def test_marks_are_compared_on_the_steps_that_were_used():
    run = voting.open_run(questions=14, models=1, mode="single")
    judges = [voting.judge(name) for name in ("ann", "bo", "cy")]
    answers = list(pool(run))
    for number, answer in enumerate(answers):
        for judge, shift in zip(judges, (0, 0, -1), strict=True):
            recorded.grade(answer, judge, run=run, rubric=run.rubric, score=min(max(2 + number % 3 + shift, 1), 5))
    crowd = annotating.of_run(run)
    rows = [crowd.of(judge.pk).row for judge in judges]
    assert crowd.is_single and rows[0].agreement.value > rows[2].agreement.value
    assert rows[2].severity.value == pytest.approx(-1.0) and rows[0].severity.value == pytest.approx(0.5)
    assert [beside.same for beside in annotating.last_votes(crowd, judges[0].pk, most=2)] == [1, 1]


def test_own_votes_are_crossed_with_the_others_on_the_sides_that_were_seen():
    run = recorded.run(recorded.benchmark(), status="open")
    battle = recorded.battle(recorded.answered(run.benchmark)[0])
    ann, bo, cy = (recorded.judge(name, kind="simulated") for name in ("ann", "bo", "cy"))
    recorded.preference(battle, ann, run=run, value=1, swapped=True)
    recorded.preference(battle, bo, run=run, value=1)
    recorded.preference(battle, cy, run=run, value=0)
    table = annotating.crossed(annotating.of_run(run), ann.pk)
    assert table.tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 1]]


def test_pausing_somebody_changes_no_judgment_and_no_figure():
    run, judges = small()
    rows = list(Preference.objects.order_by("pk").values())
    before = [one.row for one in annotating.of_run(run).people]
    Membership.objects.create(run=run, user=judges[0].user, paused_at=timezone.now(), paused_why="Let us talk.")
    crowd = annotating.of_run(run)
    assert crowd.of(judges[0].pk).is_paused
    assert [one.row for one in crowd.people] == before
    assert list(Preference.objects.order_by("pk").values()) == rows


def test_every_flag_has_words():
    constants = {value for name, value in vars(words_of).items() if name.isupper() and isinstance(value, str)}
    assert set(FLAGS) == constants


# --- the lead's pages


def test_the_leads_page_names_flags_what_they_mean_and_what_to_do(client):
    lead(client)
    run, _ = crowd_rows.put(simulated.crowd(3))
    told = words(client.get(reverse("annotators", args=[run.pk])))
    assert "4 people to look at" in told and "leans to A" in told and "hurries" in told
    assert "What you can do: Ask for both answers to be read" in told
    assert "[" in told and "n 150" in told
    assert f'href="{reverse("run", args=[run.pk])}people/"' in client.get(reverse("annotators", args=[run.pk])).text


def test_many_people_are_shown_on_pages(client, monkeypatch):
    lead(client)
    monkeypatch.setattr(annotators, "PAGE", 3)
    run, _ = crowd_rows.put(simulated.crowd(1, good=4, odd=(), items=6, golds=1))
    pages = [words(client.get(reverse("annotators", args=[run.pk]), {"page": number})) for number in (1, 2)]
    assert ["4 people" in page and f"Page {n} of 2" in page for n, page in enumerate(pages, 1)] == [True, True]
    assert [page.count("too few (about") > 0 for page in pages] == [True, True] and len(pages[1]) < len(pages[0])


def test_too_few_votes_are_said_to_be_too_few(client):
    lead(client)
    run, _ = crowd_rows.put(simulated.crowd(1, good=2, odd=(), items=6, golds=1))
    told = words(client.get(reverse("annotators", args=[run.pk])))
    assert "too few (about 4 more)" in told and "None" not in told and "nan" not in told.casefold()


def test_a_run_nobody_voted_in_says_what_to_do(client):
    lead(client)
    run = voting.open_run()
    assert "Nobody has voted here yet" in words(client.get(reverse("annotators", args=[run.pk])))


def test_one_annotators_page_has_weeks_categories_the_crossing_and_the_last_votes(client):
    lead(client)
    made = simulated.crowd(3)
    run, judges = crowd_rows.put(made)
    drifting = judges[made.kinds.index(DRIFTING)]
    response = client.get(reverse("annotator", args=[drifting.pk]), {"run": run.pk})
    told = words(response)
    assert "drifts" in told and "2026-W" in told and "Maths" in told and "others: neither" in told
    assert response.text.count('href="/battles/') == 20


def test_one_annotators_page_without_a_run_shows_the_newest_and_without_votes_says_so(client):
    lead(client)
    run, judges = small()
    assert "a crowd votes" in words(client.get(reverse("annotator", args=[judges[0].pk])))
    assert "a crowd votes" in words(client.get(reverse("annotator", args=[judges[0].pk]) + "?run=x"))
    new = voting.judge("new")
    assert "No votes by this person yet" in words(client.get(reverse("annotator", args=[new.pk])))
    assert client.get(reverse("annotator", args=[recorded.judge().pk])).status_code == 404


@pytest.mark.parametrize("page", ["annotators", "annotator"])
def test_only_leads_see_how_others_annotate(client, page):
    run, judges = small()
    address = reverse(page, args=[run.pk if page == "annotators" else judges[0].pk])
    assert client.get(address).status_code == 302
    judges[1].user.groups.add(Group.objects.get_or_create(name="annotator")[0])
    client.force_login(judges[1].user)
    assert client.get(address).status_code == 403
    client.force_login(judges[0].user)
    assert client.get(address).status_code == 403


def queries(client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_the_pages_cost_the_same_queries_for_2_annotators_and_for_40(client):
    lead(client)
    counts = []
    for people in (2, 40):
        run, judges = small(people=people, items=12)
        table = queries(client, reverse("annotators", args=[run.pk]))
        one = queries(client, reverse("annotator", args=[judges[0].pk]) + f"?run={run.pk}")
        counts.append((table, one))
        _make_room(run, people)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 14


def _make_room(run: Run, people: int) -> None:
    """Make room for another crowd of the same names."""
    type(run.benchmark).objects.filter(pk=run.benchmark_id).update(name=f"old {people}")
    for judge in Judge.objects.filter(name__startswith="good"):
        judge.user.username = judge.name = f"{people}: {judge.name}"
        judge.user.save()
        judge.save()


# --- a person's own page


def test_an_annotator_sees_own_counts_and_pace_and_nothing_of_the_others_until_the_run_is_closed(client):
    run, judges = small()
    client.force_login(judges[0].user)
    told = words(client.get(reverse("me")))
    all_votes = Preference.objects.filter(judge=judges[0])
    assert f"Votes {all_votes.count()} " in told and "Seconds a vote (median)" in told
    assert "shown once the run is closed" in told
    assert "Agrees with the others" not in told and "Right on gold" not in told and "Left side" not in told
    Run.objects.filter(pk=run.pk).update(status="done")
    told = words(client.get(reverse("me")))
    assert "You beside the others" in told and "Agrees with the others" in told
    assert "good 1" not in told


def test_gold_and_repeats_cannot_be_counted_from_ones_own_page(client):
    run, judges = small()
    seats = annotating.own_seats(run, judges[0])
    assert len(seats.cast) == sum(n for _, n, _ in seats.weeks) == Preference.objects.filter(judge=judges[0]).count()
    client.force_login(judges[0].user)
    assert f"Votes {seats.votes} " not in words(client.get(reverse("me")))


def test_ones_own_page_never_shows_another_ones_run_or_figures(client):
    small()
    client.force_login(voting.person("new"))
    told = words(client.get(reverse("me") + "?run=1"))
    assert "You have not voted yet" in told and "a crowd votes" not in told
    client.logout()
    assert client.get(reverse("me")).status_code == 302


def test_a_paused_person_is_told_why_and_that_every_vote_is_kept(client):
    run, judges = small()
    Membership.objects.create(run=run, user=judges[0].user, paused_at=timezone.now(), paused_why="Let us talk.")
    client.force_login(judges[0].user)
    assert "Every vote you cast is kept. Let us talk." in words(client.get(reverse("me")))


def test_ones_practice_is_told(client):
    run, judges = small()
    run.voting = {"practice": 1}
    run.save()
    gold = Gold.objects.first()
    Gold.objects.filter(pk=gold.pk).update(is_practice=True, lowest=-2, highest=2)
    user, judge = judges[0].user, judges[0]
    Preference.objects.filter(judge=judge, battle=gold.battle).update(kept_out="practice")
    Assignment.objects.filter(judge=judge, battle=gold.battle).update(purpose="practice")
    Membership.objects.create(run=run, user=user, practised_at=timezone.now())
    client.force_login(user)
    assert "Practice: 1 of 1 right, passed." in words(client.get(reverse("me")))
    Membership.objects.update(practised_at=None, practice_tries=2)
    assert "Practice: 2 rounds gone through, not passed yet." in words(client.get(reverse("me")))


def test_ones_own_page_costs_the_same_queries_for_2_annotators_and_for_40(client):
    counts = []
    for people in (2, 40):
        run, judges = small(people=people, items=12, status="done")
        client.force_login(judges[0].user)
        counts.append(queries(client, reverse("me")))
        _make_room(run, people)
    assert counts[0] == counts[1] <= 14


def test_the_page_makes_the_figures_of_those_it_shows_alone(client, monkeypatch):
    lead(client)
    monkeypatch.setattr("rating.views.annotators.PAGE", 3)
    run, judges = small(people=8)
    made: list[int] = []
    plain = Annotators.rows
    monkeypatch.setattr(
        Annotators, "rows", lambda table, asked=None: made.extend(asked := list(asked)) or plain(table, asked)
    )
    page = client.get(reverse("annotators", args=[run.pk]))
    assert (
        page.status_code == 200
        and sorted(made) == sorted(one.judge.pk for one in page.context["page"])
        and len(made) == 3
    )
    made.clear()
    client.get(reverse("annotator", args=[judges[5].pk]))
    assert made == [judges[5].pk]
