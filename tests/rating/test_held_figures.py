"""While people vote on a benchmark, whoever votes sees its figures as they were before, and once a week as they are: none that moves with a vote."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from arena.models import Battle
from judging import opening
from judging.access import STEP, Held, figures_ends
from judging.models import Assignment, Membership, Preference, Run
from rating import consumers, counting, live, snapshots
from rating.models import Leaderboard, LiveBoard, Profile, Snapshot
from rating.seen import Seen
from tests.judging import recorded as make
from tests.rating.api_client import Program
from tests.rating.test_snapshots import judged

pytestmark = pytest.mark.django_db
HELD = ("visitor", "annotator", "plain", "invited", "both")
"""Who may be voting: a visitor may be an annotator who signed out."""
FREE = ("lead", "viewer")
ROLES = {"annotator": ["annotator"], "lead": ["lead"], "viewer": ["viewer"], "both": ["viewer", "annotator"]}


class Place:
    """A benchmark with a snapshot, a run that is open for votes, one vote since, a later snapshot, and live boards after another."""

    def __init__(self, provenance: str = "real") -> None:
        cache.clear()
        self.benchmark = judged(questions=4)
        self.before = snapshots.take(self.benchmark)
        began = timezone.now()
        Snapshot.objects.filter(pk=self.before.pk).update(created_at=began - timedelta(hours=1))
        self.run = make.run(
            self.benchmark, name="votes", status="open", started_at=began - timedelta(minutes=1), provenance=provenance
        )
        self.vote("second person")
        self.after = snapshots.take(self.benchmark, passing=True)
        self.vote("third person")
        assert counting.catch_up()
        live.refresh(self.benchmark.leaderboard, snapshots.recipe(self.benchmark.leaderboard)[1])
        assert LiveBoard.objects.exists()

    def vote(self, name: str) -> None:
        make.preference(Battle.objects.first(), make.judge(name, kind="imported_person"), run=self.run)

    def who(self, name: str):
        if name == "visitor":
            return AnonymousUser()
        user = make.person(name, *ROLES.get(name, []))
        if name == "invited":
            Membership.objects.create(user=user, run=self.run, role="annotator")
        return user


@pytest.fixture
def place():
    yield Place()
    cache.clear()


def client_of(user) -> Client:
    client = Client()
    if user.is_authenticated:
        client.force_login(user)
    return client


def figures(place: Place) -> list[str]:
    """Addresses that tell figures of the benchmark as they are now."""
    pk, model = place.benchmark.pk, place.benchmark.questions.first().answers.first().model_id
    judge = make.judge("fair").pk
    own = [f"/leaderboard/{pk}/", f"/leaderboard/{pk}/?source=people", f"/leaderboard/{pk}/history/", f"/trust/{pk}/"]
    own += [f"/agreement/{pk}/", f"/agreement/{pk}/export/json/", "/", f"/compare/?one={place.before.pk}", "/compare/"]
    own += [f"/snapshots/{place.before.pk}/matrix/", f"/models/{model}/", f"/judges/{judge}/"]
    own += [f"/models/{model}/export/md/", f"/snapshots/{place.before.pk}/", f"/benchmarks/{pk}/meta/"]
    return own + [
        f"/api/v1/{one}"
        for one in (f"boards/{pk}", f"boards/{pk}/agreement", f"boards/{pk}/judges", "boards", "snapshots", "ratings")
    ]


def of_after(place: Place) -> list[str]:
    """Addresses of the snapshot that counts a vote of the open run."""
    pk = place.after.pk
    parts = ("", "matrix/", "charts/", "agreement/", "agreement/export/csv/", "trust/", "board.svg", "export/json/")
    return [
        *(f"/snapshots/{pk}/{part}" for part in parts),
        f"/benchmarks/{place.benchmark.pk}/meta/export/csv/",
        f"/api/v1/boards/{place.benchmark.pk}/meta",
        f"/embed/{pk}/",
        f"/compare/?one={pk}",
        f"/compare/?other={pk}",
        *(f"/api/v1/snapshots/{pk}{part}" for part in ("", "/board", "/agreement", "/judges")),
    ]


def told(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.text


@pytest.mark.parametrize("name", HELD[:2])
def test_whoever_may_vote_is_told_nothing_that_a_vote_moved(place, name):
    client = client_of(place.who(name))
    first = {path: told(client, path) for path in figures(place)}
    place.vote("fourth person")
    newer = snapshots.take(place.benchmark, passing=True)
    cache.clear()
    again = {path: told(client, path) for path in figures(place)}
    moved = [path for path in first if _steady(first[path]) != _steady(again[path])]
    assert moved == []
    for path, text in again.items():
        for late in (place.after.pk, newer.pk):
            assert f"/snapshots/{late}/" not in text and f'"snapshot": {late},' not in text, path


def _steady(text: str) -> str:
    """The page without what differs each time: tokens against forged posts, the moment a report was made."""
    lines = text.splitlines()
    return "\n".join(one for one in lines if "csrf" not in one and "UTC" not in one)


@pytest.mark.parametrize("name", HELD)
def test_a_snapshot_that_counts_such_votes_is_refused_to_them_with_a_reason(place, name):
    client = client_of(place.who(name))
    for path in of_after(place):
        answer = client.get(path)
        assert answer.status_code == 403 and "People are voting" in answer.text, path


@pytest.mark.parametrize("name", FREE)
def test_leads_and_viewers_follow_the_votes(place, name):
    client = client_of(place.who(name))
    page = told(client, f"/leaderboard/{place.benchmark.pk}/")
    assert "Live: votes have come" in page and "data-board" in page and "What you see is as of" not in page
    assert {client.get(path).status_code for path in of_after(place)} == {200}


def test_the_held_board_says_why_and_is_not_followed(place, client):
    page = told(client, f"/leaderboard/{place.benchmark.pk}/")
    assert "People are voting on this benchmark. What you see is as of" in page
    assert "data-board" not in page and "board-live.js" not in page and "Live: votes" not in page
    assert (
        client.get(f"/leaderboard/{place.benchmark.pk}/export/csv/").url == f"/snapshots/{place.before.pk}/export/csv/"
    )


def test_where_nothing_was_rated_before_the_vote_the_board_is_closed_and_says_so(place, client):
    place.before.delete()
    page = told(client, f"/leaderboard/{place.benchmark.pk}/")
    assert "Its figures follow once a week at most" in page and "Ash" not in page and "Nothing is rated" not in page
    assert client.get(f"/leaderboard/{place.benchmark.pk}/export/csv/").status_code == 404
    for part in ("agreement", "trust"):
        assert "Its figures follow" in told(client, f"/{part}/{place.benchmark.pk}/")
    board = Program().get(f"boards/{place.benchmark.pk}").json()
    assert (board["snapshot"], board["rows"], board["is_held"], board["is_live"]) == (None, [], True, False)


def opened_ago(place: Place, **ago) -> None:
    """As if all but the two snapshots, in their order, had come so long ago."""
    began = timezone.now() - timedelta(**ago)
    Run.objects.filter(pk=place.run.pk).update(started_at=began)
    made = ((place.before, -timedelta(days=1)), (place.after, timedelta(days=5)))
    for one, later in made:
        Snapshot.objects.filter(pk=one.pk).update(created_at=began + later)
    for week in range(timedelta(**ago) // STEP):
        cast(place, began + week * STEP + timedelta(days=3), *[f"{name} in week {week}" for name in "aabbb"])


def cast(place: Place, at, *names: str) -> None:
    """A vote of each of these people at this moment, each of theirs on another battle."""
    battles = list(Battle.objects.order_by("pk"))
    for number, name in enumerate(names):
        judge = make.judge(name, kind="imported_person")
        made = make.preference(battles[names[:number].count(name)], judge, run=place.run)
        Preference.objects.filter(pk=made.pk).update(created_at=at)
    cache.clear()


@pytest.mark.parametrize(("days", "weeks"), [(6, 0), (8, 1), (400, 57)])
def test_in_a_run_that_stays_open_figures_of_all_votes_so_far_follow_once_a_week(place, client, days, weeks):
    opened_ago(place, days=days)
    held = Seen.of(AnonymousUser()).held[place.benchmark.pk]
    assert held.end == held.since + timedelta(weeks=weeks) and held.more == held.end + timedelta(weeks=1)
    shown = place.after if weeks else place.before
    assert Seen.of(AnonymousUser()).latest(place.benchmark) == shown
    page = told(client, f"/leaderboard/{place.benchmark.pk}/")
    assert f"at the earliest on {held.more:%Y-%m-%d %H:%M} UTC" in page and "data-board" not in page
    assert client.get(f"/snapshots/{place.after.pk}/").status_code == (200 if weeks else 403)


@pytest.mark.parametrize(
    ("weeks", "shown"),
    [
        (["aaaa"], 0),  # four votes
        (["aaaab"], 1),
        (["aaaa", "b"], 2),  # together they are enough, a week later
        (["aabb", "", "a"], 3),
        (["aaabb", "b"], 1),
    ],
)
def test_a_week_with_votes_too_few_or_of_one_person_waits_for_another(place, weeks, shown):
    began = timezone.now() - len(weeks) * STEP - timedelta(hours=1)
    Run.objects.filter(pk=place.run.pk).update(started_at=began)
    Preference.objects.filter(run=place.run).update(created_at=began - timedelta(days=1))
    made: list[str] = []
    for week, names in enumerate(weeks):
        for name in names:
            battle = Battle.objects.order_by("pk")[made.count(name)]
            vote = make.preference(battle, make.judge(f"person {name}", kind="imported_person"), run=place.run)
            Preference.objects.filter(pk=vote.pk).update(created_at=began + week * STEP + timedelta(days=2))
            made.append(name)
    held = Seen.of(AnonymousUser()).held[place.benchmark.pk]
    assert held.end == began + shown * STEP and held.more == began + (len(weeks) + 1) * STEP
    assert figures_ends(place.benchmark) == {held.end}


def test_what_was_shown_is_not_taken_back_as_another_run_comes_to_its_end(place):
    began = timezone.now() - STEP - timedelta(hours=1)
    Run.objects.filter(pk=place.run.pk).update(started_at=began)
    other = make.run(place.benchmark, name="many votes", status="open", started_at=began)
    for number, name in enumerate(["a", "a", "a", "b", "b"]):
        battle = Battle.objects.order_by("pk")[number % 3]
        vote = make.preference(battle, make.judge(f"person {name}", kind="imported_person"), run=other)
        Preference.objects.filter(pk=vote.pk).update(created_at=began + timedelta(days=2))
    ends = []
    for status in ("open", "done"):
        Run.objects.filter(pk=other.pk).update(status=status)
        ends.append(Seen.of(AnonymousUser()).held[place.benchmark.pk].end)
    assert ends == [began + STEP] * 2


def test_one_persons_votes_however_many_and_however_often_changed_are_not_enough():
    began = timezone.now() - STEP - timedelta(hours=1)
    later = began + timedelta(days=1)
    alone = [(later, 1, ("battle", number)) for number in range(9)]
    changed = [(later + timedelta(hours=hour), 1 + hour % 2, ("battle", hour % 4)) for hour in range(9)]
    assert Held.of([began], alone).end == Held.of([began], changed).end == began
    assert Held.of([began], [*alone, (later, 2, ("battle", 1))]).end == began + STEP


def test_what_was_enough_is_looked_up_once_an_hour(place, django_assert_num_queries):
    opened_ago(place, days=30)
    with django_assert_num_queries(3):
        first = Seen.of(AnonymousUser()).held
    with django_assert_num_queries(1):
        assert Seen.of(AnonymousUser()).held == first


@pytest.mark.parametrize("is_kept", [False, True])
def test_of_a_weeks_snapshots_only_the_last_is_shown(place, client, is_kept):
    Snapshot.objects.filter(pk=place.after.pk).update(passing=not is_kept)
    place.vote("fourth person")
    last = snapshots.take(place.benchmark, passing=True)
    opened_ago(place, days=8)
    Snapshot.objects.filter(pk=last.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert client.get(f"/snapshots/{last.pk}/").status_code == 200
    assert client.get(f"/snapshots/{place.after.pk}/").status_code == 403
    assert f"/snapshots/{place.after.pk}/" not in told(client, f"/leaderboard/{place.benchmark.pk}/history/")
    assert f"one={place.after.pk}" not in told(client, f"/compare/?other={last.pk}")
    assert {row["id"] for row in Program().rows("snapshots")} == {place.before.pk, last.pk}
    snapshots.thin(Leaderboard.objects.get())
    assert Snapshot.objects.filter(pk=last.pk).exists()


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=3), timedelta(days=20)])
def test_of_two_open_runs_figures_follow_at_moments_no_less_than_a_week_apart(later):
    shown = set()
    for days in range(60):
        now = timezone.now()
        since = now - timedelta(days=days)
        held = Held.of([since, *([since + later] if since + later <= now else [])])
        assert held.since == since and held.end <= now < held.more
        shown.add(held.end - since)
    in_order = sorted(shown)
    assert all(next_one - one >= STEP for one, next_one in pairwise(in_order)) and len(in_order) > 6
    assert not any(later < one < later + STEP for one in in_order)


def test_what_thinning_keeps_is_what_readers_of_two_open_runs_are_shown(place):
    opened_ago(place, days=15)
    make.run(
        place.benchmark, name="more votes", status="open", started_at=timezone.now() - timedelta(days=14, hours=23)
    )
    held = Seen.of(AnonymousUser()).held[place.benchmark.pk]
    assert held.end == held.since + 2 * STEP and figures_ends(place.benchmark) == {held.end}


def test_when_the_vote_is_over_everybody_sees_everything(place, client):
    Run.objects.filter(pk=place.run.pk).update(status="done")
    assert "Live: votes have come" in told(client, f"/leaderboard/{place.benchmark.pk}/")
    assert {client.get(path).status_code for path in of_after(place)} == {200}


@pytest.mark.parametrize(("name", "rows"), [("annotator", 1), ("lead", 2), ("viewer", 2)])
def test_a_token_sees_what_its_person_sees(place, name, rows):
    program = Program(place.who(name))
    board = program.get(f"boards/{place.benchmark.pk}").json()
    assert board["is_held"] is (name == "annotator") and board["is_live"] is (name != "annotator")
    assert len(program.rows("snapshots")) == rows
    assert {row["snapshot"] for row in program.rows("ratings", limit=500)} == {
        one.pk for one in (place.before, place.after)[:rows]
    }


@pytest.mark.parametrize("name", [*HELD, *FREE])
def test_only_those_who_vote_nowhere_may_follow_by_socket(place, name):
    user = place.who(name)
    assert consumers.may_follow(place.benchmark.pk, {user.pk}) == ({user.pk} if name in FREE else set())


def test_many_readers_are_told_apart_in_as_many_queries_as_one(place, django_assert_num_queries):
    free = {make.person(f"viewer {n}", "viewer").pk for n in range(12)}
    held = {make.person(f"annotator {n}", "annotator").pk for n in range(12)}
    with django_assert_num_queries(4):
        assert consumers.may_follow(place.benchmark.pk, free | held | {None}) == free


def test_a_socket_that_is_open_when_the_vote_opens_is_shut(place):
    look = consumers.Look("", "en", "testserver", False, None)
    lead = look._replace(user=place.who("lead").pk)
    assert set(consumers.shown(place.benchmark.pk, {look, lead})) == {lead}
    Run.objects.filter(pk=place.run.pk).update(status="done")
    found = consumers.shown(place.benchmark.pk, {look, lead})
    assert found[look] == found[lead] and "Ash" in found[look]


def test_a_gate_on_battles_says_that_the_counts_are_kept_until_the_vote_is_over(place):
    ash = place.benchmark.questions.first().answers.get(model__name="Ash").model
    gate = {"kind": "win_rate", "benchmark": place.benchmark.name, "against": "Birch", "op": ">=", "value": 0.5}
    Profile.objects.create(name="release", gates=[gate])
    page = client_of(place.who("annotator")).get(f"/models/{ash.pk}/?profile=release").text
    assert "its counts are told when they are done" in page
    assert "its counts are told" not in client_of(place.who("lead")).get(f"/models/{ash.pk}/?profile=release").text


def test_a_demo_is_held_from_its_annotator_from_the_first_item_on_and_from_no_visitor():
    place = Place(provenance="demo")
    ann = place.who("annotator")
    assert Seen.of(ann).held == Seen.of(AnonymousUser()).held == {}
    judge = make.judge("ann of the demo", kind="person", user=ann)
    Assignment.objects.create(run=place.run, judge=judge, battle=Battle.objects.first(), lease_until=timezone.now())
    assert set(Seen.of(ann).held) == {place.benchmark.pk} and Seen.of(AnonymousUser()).held == {}


def test_what_was_seen_while_a_run_was_closed_is_seen_when_it_is_open_again(place, client):
    assert opening.close(place.run) and opening.reopen(place.run)
    of_snapshot = [path for path in of_after(place) if "/meta" not in path]
    assert {client.get(path).status_code for path in of_snapshot} == {200}
    place.vote("fourth person")
    newer = snapshots.take(place.benchmark, passing=True)
    assert client.get(f"/snapshots/{newer.pk}/").status_code == 403
    assert Seen.of(AnonymousUser()).latest(place.benchmark) == place.after


def test_a_demo_that_is_opened_again_is_held_from_then_on():
    place = Place(provenance="demo")
    ann = place.who("annotator")
    judge = make.judge("ann of the demo", kind="person", user=ann)
    Assignment.objects.create(run=place.run, judge=judge, battle=Battle.objects.first(), lease_until=timezone.now())
    assert opening.close(place.run) and opening.reopen(place.run)
    assert Seen.of(ann).latest(place.benchmark) == Snapshot.objects.latest("pk")
    assert Seen.of(ann).is_held(place.benchmark)


@pytest.mark.parametrize("provenance", ["real", "demo"])
def test_the_snapshot_that_voters_are_shown_is_not_thinned_out(provenance):
    place = Place(provenance=provenance)
    hour = (timezone.now() - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    for minute, one in ((20, place.before), (40, place.after)):
        made = {"created_at": hour + timedelta(minutes=minute), "passing": True}
        Snapshot.objects.filter(pk=one.pk).update(**made)
    ann, began = place.who("annotator"), hour + timedelta(minutes=30)
    Run.objects.filter(pk=place.run.pk).update(started_at=began)
    judge = make.judge("ann who votes", kind="person", user=ann)
    where = {"run": place.run, "judge": judge, "battle": Battle.objects.first()}
    Assignment.objects.create(**where, lease_until=began, created_at=began)
    assert snapshots.thin(Leaderboard.objects.get()) == 0
    assert Seen.of(ann).latest(place.benchmark) == place.before
    Run.objects.update(status="done")
    assert snapshots.thin(Leaderboard.objects.get()) == 1


def test_another_benchmark_is_not_held(place, client):
    other = judged("larder")
    snapshots.take(other)
    assert "What you see is as of" not in told(client, f"/leaderboard/{other.pk}/")


def test_what_is_held_costs_few_queries(place, django_assert_max_num_queries):
    ann = place.who("annotator")
    with django_assert_max_num_queries(9):
        Seen.of(ann)
    Run.objects.update(status="done")
    with django_assert_max_num_queries(1):
        Seen.of(AnonymousUser())
