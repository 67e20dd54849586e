"""Whose verdicts make the ratings: a flip by the board's own rule, and members of a panel through the panel alone."""

from __future__ import annotations

import pytest

from arena.models import Battle, Benchmark
from judging.models import Judge, Seat
from rating import agreeing, boards, counting, data, live, snapshots, tasks
from rating.models import Leaderboard, LiveBoard, Rating, Snapshot
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


def battles(of: Benchmark, *, questions: int) -> list[Battle]:
    return [make.battle(question) for question in make.answered(of, "Ash", "Birch", questions=questions)]


def ruled(benchmark: Benchmark, flips: str) -> Leaderboard:
    """The benchmark's board under this rule for flips."""
    board, _ = Leaderboard.objects.get_or_create(benchmark=benchmark)
    board.recipe = {"flips": flips}
    board.save()
    return board


@pytest.fixture
def flipping() -> Benchmark:
    """Twelve battles in both orders: Ash wins eight, two are ties, two turn round with the order."""
    benchmark = make.benchmark()
    run = make.run(benchmark, order="both")
    values = [(1, 1)] * 8 + [(0, 0)] * 2 + [(1, -1)] * 2
    for battle, (plain, swapped) in zip(battles(benchmark, questions=12), values, strict=True):
        make.preference(battle, run=run, value=plain)
        make.preference(battle, run=run, value=swapped, swapped=True)
    return benchmark


def ash(snapshot: Snapshot) -> Rating:
    return snapshot.ratings.get(source="all", method="bt", category=None, model__name="Ash")


@pytest.mark.parametrize(
    ("flips", "n", "win_rate", "excluded"),
    [
        ("tie", 12, (8 + 4 / 2) / 12, {}),
        ("abstain", 10, (8 + 2 / 2) / 10, {"turned round with the order": 4}),
        ("both", 24, (16 + 4 / 2 + 2) / 24, {}),
    ],
)
def test_a_flip_is_a_tie_or_nothing_or_two_votes_by_the_rule_of_the_board(flipping, flips, n, win_rate, excluded):
    ruled(flipping, flips)
    snapshot = snapshots.take(flipping)
    assert (snapshot.n, snapshot.excluded, snapshot.recipe["flips"]) == (n, excluded, flips)
    assert ash(snapshot).n == n and ash(snapshot).win_rate == pytest.approx(win_rate)


def test_under_every_rule_a_flip_shows_in_the_flip_rate_and_in_agreement_as_a_tie(flipping):
    for flips in data.FLIPS:
        record = data.read(flipping, flips=flips)
        assert sorted(record.verdicts.value.tolist()) == [0] * 4 + [1] * 8
        told = {row["relation"]: row for row in agreeing.agreements(record) if row["category_id"] is None}
        assert told["flips"]["raw"] == pytest.approx(2 / 12) and told["flips"]["n"] == 12


def test_another_rule_makes_another_snapshot_and_the_old_rule_finds_the_old_one(flipping):
    plain = snapshots.take(flipping)
    ruled(flipping, "both")
    assert snapshots.take(flipping) != plain
    ruled(flipping, "tie")
    assert snapshots.take(flipping) == plain


def test_two_votes_on_one_question_do_not_make_an_interval_narrower(flipping):
    widths = []
    for flips in ("tie", "both"):
        ruled(flipping, flips)
        row = ash(snapshots.take(flipping))
        widths.append(row.high - row.low)
    assert widths[1] > 0.95 * widths[0]


def test_half_a_verdict_is_no_vote_under_any_rule(flipping):
    run = flipping.runs.get()
    (late,) = battles(flipping, questions=1)[-1:]
    make.preference(late, run=run)
    for flips in data.FLIPS:
        record = data.read(flipping, flips=flips)
        assert late.pk not in record.votes.item and record.excluded["one order only"] == 1


def test_an_unknown_rule_is_refused_by_name(flipping):
    with pytest.raises(ValueError, match="no rule 'coin' for flips; there are: tie, abstain, both"):
        data.read(flipping, flips="coin")


def test_live_boards_know_flips_as_ties_only_and_leave_other_rules_to_the_snapshot(flipping):
    counting.catch_up()
    board = ruled(flipping, "tie")
    snapshots.take(flipping)
    live.refresh(board, snapshots.recipe(board)[1])
    assert live.is_possible(board) and LiveBoard.objects.filter(leaderboard=board).exists()
    board = ruled(flipping, "abstain")
    live.refresh(board, snapshots.recipe(board)[1])
    assert not live.is_possible(board) and not LiveBoard.objects.exists()


def test_a_changed_rule_is_rated_at_the_next_refresh(flipping):
    tasks.refresh()
    ruled(flipping, "abstain")
    tasks.refresh()
    assert boards.latest(flipping).recipe["flips"] == "abstain"


# --- members of a panel


@pytest.fixture
def panel() -> tuple[Benchmark, Judge]:
    """Ten battles; two members vote one each way on most, their panel says the first; a run lists the panel alone."""
    benchmark = make.benchmark()
    jury = make.judge("jury", kind="panel")
    members = [make.judge("left"), make.judge("right")]
    for place, member in enumerate(members):
        Seat.objects.create(panel=jury, member=member, position=place)
    run = make.run(benchmark, order="fixed", judges=[jury])
    for battle in battles(benchmark, questions=10):
        make.preference(battle, members[0], run=run, value=1)
        make.preference(battle, members[1], run=run, value=-1)
        make.preference(battle, jury, run=run, value=1)
        make.grade(battle.first, members[0], run=run, score=2)
        make.grade(battle.first, jury, run=run, score=8)
    return benchmark, jury


def of(snapshot: Snapshot) -> dict[str, int]:
    """How often Ash was judged, by the source of the votes."""
    return dict(snapshot.ratings.filter(method="bt", category=None, model__name="Ash").values_list("source", "n"))


def test_members_that_no_run_lists_speak_through_their_panel_alone(panel):
    snapshot = snapshots.take(panel[0])
    assert of(snapshot) == {"all": 10, "judges": 10, "judge:jury": 10, "judge:left": 10, "judge:right": 10}
    assert ash(snapshot).win_rate == 1.0
    assert snapshot.n == 20 and snapshot.excluded == {"member of a panel": 30}
    assert snapshot.ratings.get(source="all", method="score", category=None).rating == pytest.approx(8)


def test_a_member_that_a_run_lists_too_speaks_for_itself(panel):
    benchmark, _ = panel
    plain = snapshots.take(benchmark)
    make.run(benchmark, name="alone", judges=[make.judge("right")])
    snapshot = snapshots.take(benchmark)
    assert snapshot != plain and of(snapshot)["all"] == 20 and ash(snapshot).win_rate == 0.5


def test_without_a_run_of_the_panel_here_its_members_are_judges_like_any_other(panel):
    benchmark, jury = panel
    benchmark.runs.get().judges.clear()
    assert data.silent_members(benchmark) == []
    make.run(make.benchmark("cellar"), name="elsewhere", judges=[jury])
    assert data.silent_members(benchmark) == [] and of(snapshots.take(benchmark))["all"] == 30


def test_the_members_of_a_member_are_silent_too(panel):
    benchmark, _ = panel
    inner, deep = make.judge("inner", kind="cascade"), make.judge("deep")
    Seat.objects.create(panel=make.judge("left"), member=inner)
    Seat.objects.create(panel=inner, member=deep)
    names = Judge.objects.filter(pk__in=data.silent_members(benchmark)).values_list("name", flat=True)
    assert set(names) == {"left", "right", "inner", "deep"}


def test_members_are_still_compared_with_others_and_have_health(panel):
    snapshot = snapshots.take(panel[0])
    assert snapshot.agreements.filter(relation="judges", judges="left–right", category=None).exists()
    assert set(snapshot.health.values_list("judge__name", flat=True)) == {"jury", "left", "right"}


def test_live_boards_do_not_count_members_either(panel):
    benchmark, _ = panel
    snapshot = snapshots.take(benchmark)
    assert counting.catch_up()
    board = Leaderboard.objects.get(benchmark=benchmark)
    live.refresh(board, snapshots.recipe(board)[1])
    found = {
        (row.source, row.method): row.rows for row in LiveBoard.objects.filter(leaderboard=board, category__isnull=True)
    }
    saved = snapshot.ratings.filter(method__in=("bt", "score"), category=None)
    assert {(row.source, row.method) for row in saved} == set(found)
    for row in saved:
        (mine,) = [one for one in found[row.source, row.method] if one["model"] == row.model_id]
        assert (mine["n"], mine["rating"]) == (row.n, pytest.approx(row.rating, abs=1e-6))


def test_who_is_silent_is_found_in_one_query_without_seats_and_two_with(django_assert_num_queries, panel):
    with django_assert_num_queries(2):
        assert len(data.silent_members(panel[0])) == 2
    Seat.objects.all().delete()
    with django_assert_num_queries(1):
        assert data.silent_members(panel[0]) == []
