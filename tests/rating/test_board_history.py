"""The history of a board, and two of its snapshots beside each other."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from arena.models import LanguageModel
from rating.changed import overall, sentences
from rating.compared_boards import Compared, Row
from rating.history import PAGE, history
from rating.models import Rating, Snapshot
from tests.rating import make
from tests.rating.test_pages_boards import words

pytestmark = pytest.mark.django_db


def page(client, snapshot, **query):
    return client.get(reverse("history", args=[snapshot.leaderboard.benchmark_id]), query)


def compared(client, one, other, **query):
    return client.get(reverse("compare"), {"one": one.pk, "other": other.pk, **query})


def two(**fields) -> tuple[Snapshot, Snapshot]:
    """Two snapshots of one board: in the second Birch, before last of three, leads."""
    ash, birch, cedar = make.models(3)
    for model, name in ((ash, "Ash"), (birch, "Birch"), (cedar, "Cedar")):
        model.name = name
        model.save()
    first = make.snapshot(n=100, created_at=timezone.now() - timedelta(hours=3))
    make.ranking(first, [ash, cedar, birch])
    second = make.snapshot(first.leaderboard.benchmark, n=140, **fields)
    make.ranking(second, [birch, ash, cedar])
    return first, second


def told(first: Snapshot | None, second: Snapshot) -> str:
    return " ".join(sentences(first, second, overall(filter(None, [first, second]))))


def test_a_new_leader_moved_models_and_more_judgments_are_told():
    said = told(*two())
    assert "New leader: Birch, before it was Ash." in said
    assert "Birch rose from 3 to 1." in said and "Ash fell from 1 to 2." in said
    assert "40 more judgments." in said


def test_a_place_that_may_be_the_same_is_no_move():
    first, second = two()
    Rating.objects.filter(snapshot=second).update(rank_low=1, rank_high=3)
    assert "rose" not in told(first, second) and "fell" not in told(first, second)


def test_of_many_that_moved_three_are_named():
    models = make.models(8)
    first = make.snapshot()
    make.ranking(first, models)
    second = make.snapshot(first.leaderboard.benchmark)
    make.ranking(second, models[::-1])
    said = told(first, second)
    assert said.count("rose") + said.count("fell") == 3 and "5 more moved." in said


def test_models_that_came_and_went_are_named():
    first, second = two()
    Rating.objects.filter(snapshot=first, model__name="Cedar").delete()
    Rating.objects.filter(snapshot=second, model__name="Ash").delete()
    assert "New models: Cedar. No longer there: Ash." in told(first, second)


def test_another_recipe_says_in_what():
    first, second = two(recipe={"level": 0.9, "flips": "abstain"}, code_version="0.2.0")
    said = told(first, second)
    assert "Another recipe: level of the intervals, verdicts that change with the order." in said
    assert "Other code: 0.1.0, now 0.2.0." in said


def test_the_first_snapshot_changed_nothing():
    first, _second = two()
    assert told(None, first) == "The first snapshot."


def test_the_same_numbers_counted_anew_are_no_change():
    first, _second = two()
    assert told(first, first) == "The same judgments, counted anew."


def test_the_history_lists_snapshots_newest_first_with_their_permalinks(client):
    first, second = two()
    response = page(client, second)
    html, text = response.content.decode(), words(response)
    assert html.index(reverse("snapshot", args=[second.pk])) < html.index(
        f'{reverse("snapshot", args=[first.pk])}">Snap'
    )
    assert "Leads: Birch." in text and "The first snapshot." in text and "2 snapshots" in text
    assert f"{reverse('compare')}?one={first.pk}&amp;other={second.pk}" in html


def test_passing_snapshots_are_folded_and_kept_ones_told_beside_the_last_that_was_kept():
    first, last = two()
    benchmark = first.leaderboard.benchmark
    for n in (110, 120):
        made = make.snapshot(benchmark, n=n, passing=True)
        make.ranking(made, list(LanguageModel.objects.order_by("pk")))
    kept = make.snapshot(benchmark, n=150)
    make.ranking(kept, list(LanguageModel.objects.order_by("pk")))
    found = history(benchmark.leaderboard)
    assert [(fold.is_passing, len(fold.entries)) for fold in found.folds] == [
        (False, 1),
        (True, 2),
        (False, 1),
        (False, 1),
    ]
    assert found.entries[0].since == last and "10 more judgments." in found.entries[0].told
    assert found.entries[1].told == ["10 more judgments."]


def test_leaders_are_drawn_over_time_with_a_table_of_the_same_numbers(client):
    first, second = two()
    response = page(client, second)
    html = response.content.decode()
    assert html.count('class="trend__line trend__line--1"') == 2  # the line and its name
    assert "The same as a table" in words(response) and "1100 [1075, 1125]" in words(response)
    drawn = history(first.leaderboard).trend
    assert [line.name for line in drawn.lines] == ["Birch", "Ash", "Cedar"]
    birch = drawn.lines[0].dots
    assert birch[0].x > birch[1].x and birch[0].y < birch[1].y  # newest to the right, and higher


def test_a_model_that_one_snapshot_lacks_has_a_gap_and_no_zero():
    first, second = two()
    Rating.objects.filter(snapshot=first, model__name="Birch").delete()
    drawn = history(first.leaderboard).trend
    assert len(drawn.lines[0].dots) == 1 and drawn.rows[1].cells[0] is None


def test_a_single_snapshot_is_no_trend():
    assert history(make.board(2).leaderboard).trend is None


def test_older_snapshots_are_on_the_next_page(client):
    snapshot = make.board(2)
    for _ in range(PAGE):
        make.snapshot(snapshot.leaderboard.benchmark)
    found = history(snapshot.leaderboard)
    assert len(found.entries) == PAGE and found.before
    rest = page(client, snapshot, before=found.before)
    assert f"Snapshot {snapshot.pk}" in words(rest) and "Older snapshots" not in words(rest)


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "²"])
def test_a_place_in_the_history_that_is_none_is_no_page(client, before):
    assert page(client, make.board(2), before=before).status_code == 404


def test_a_benchmark_without_snapshots_says_what_to_do(client):
    response = client.get(reverse("history", args=[make.benchmark().pk]))
    assert response.status_code == 200 and "No snapshot yet" in words(response)


def test_the_history_costs_the_same_queries_for_2_snapshots_and_for_20(client, django_assert_num_queries):
    first, second = two()
    with django_assert_num_queries(7):
        page(client, second)
    for n in range(18):
        made = make.snapshot(first.leaderboard.benchmark, passing=bool(n % 3))
        make.ranking(made, list(LanguageModel.objects.all()))
    with django_assert_num_queries(7):
        page(client, second)


# two beside each other


def test_two_snapshots_stand_beside_each_other_with_differences(client):
    first, second = two()
    text = words(compared(client, first, second))
    assert "Birch 3 980 [955, 1005] 80 1 1100 [1075, 1125] 80 +120 [+85, +155]" in text
    assert "Surely higher: 1 models; surely lower: 2." in text
    assert "Judgments: 100, then 140." in text and "The recipe is the same." in text


def test_turning_the_two_round_turns_every_sign(client):
    first, second = two()
    assert "Birch 1 1100 [1075, 1125] 80 3 980 [955, 1005] 80 −120 [−155, −85]" in words(
        compared(client, second, first)
    )


def test_people_and_judges_of_one_snapshot_stand_beside_each_other(client):
    _first, second = two()
    models = list(LanguageModel.objects.order_by("name"))
    make.ranking(second, models, source="people", n=40)
    make.ranking(second, models[::-1], source="judges", n=60)
    text = words(compared(client, second, second, source="people", other_source="judges"))
    assert "Ash 1 1100 [1075, 1125] 40 3 980 [955, 1005] 60 −120" in text
    assert "people 60 60" in text and "judges 90 90" in text
    assert "Both sides are the same board" not in text


def test_the_same_board_twice_says_so(client):
    _first, second = two()
    assert "Both sides are the same board." in words(compared(client, second, second))


def test_one_snapshot_alone_is_compared_with_the_one_kept_before_it(client):
    first, second = two()
    make.snapshot(first.leaderboard.benchmark, passing=True)
    response = client.get(reverse("compare"), {"other": second.pk})
    assert response.context["compared"].before.snapshot == first


def test_models_on_one_side_only_have_no_difference_and_are_named(client):
    first, second = two()
    Rating.objects.filter(snapshot=first, model__name="Cedar").delete()
    Rating.objects.filter(snapshot=second, model__name="Ash").delete()
    text = words(compared(client, first, second))
    assert "Only in the second: Cedar." in text and "Only in the first: Ash." in text
    assert "Ash 1 1100 [1075, 1125] 80 — — — — —" in text


def test_differences_are_from_one_zero_where_the_models_differ():
    first, second = two()
    Rating.objects.filter(snapshot=second).update(rating=1200, low=1150, high=1250)
    Rating.objects.filter(snapshot=first).update(rating=1000, low=950, high=1050)
    from rating.boards import board

    found = Compared(*(board(one.leaderboard.benchmark, snapshot=one) for one in (first, second)))
    assert found.shift == 200 and {row.difference for row in found.rows} == {0}


def test_groups_that_never_met_have_no_differences(client):
    first, second = two(notes=[{"source": "all", "method": "bt", "category": None, "note": "disconnected"}])
    text = words(compared(client, first, second))
    assert "no differences on one scale" in text and "+120" not in text


def test_online_elo_has_differences_without_intervals():
    first, second = two()
    rows = [
        make.rating(one, model, method="elo") for one in (first, second) for model in [LanguageModel.objects.first()]
    ]
    assert Row(*rows).difference == 0 and Row(*rows).low is None and Row(*rows).moved == 0


def test_judges_that_came_went_and_changed_their_names_are_told(client):
    first, second = two(judges={"1": "fairer", "3": "new"})
    first.judges = {"1": "fair", "2": "old", "9": "ann"}
    first.save()
    models = list(LanguageModel.objects.all())
    for snapshot, names in ((first, ("fair", "old")), (second, ("fairer", "new"))):
        for name in names:
            make.ranking(snapshot, models, source=f"judge:{name}")
    text = words(compared(client, first, second))
    assert "Judges that only the first counts: old." in text and "Judges that only the second counts: new." in text
    assert "The judge fair is called fairer in the second." in text and "ann" not in text.split("What changed")[1]


def test_snapshots_of_different_benchmarks_have_no_common_scale(client):
    first, _second = two()
    other = make.snapshot(make.benchmark("other"))
    response = compared(client, first, other)
    assert response.status_code == 400 and "have no common scale" in words(response)


@pytest.mark.parametrize("query", [{"one": "x"}, {"one": "999"}, {"other": "-1"}])
def test_a_snapshot_there_is_not_is_no_page(client, query):
    assert client.get(reverse("compare"), query).status_code == 404


def test_a_board_there_is_not_is_told_and_the_choice_stays(client):
    first, second = two()
    response = compared(client, first, second, category="nowhere")
    assert response.status_code == 404 and "There is no board “nowhere” in both." in words(response)
    assert "No ratings for this choice" in words(compared(client, first, second, source="people"))


def test_without_a_snapshot_the_benchmarks_are_offered(client):
    two()
    assert "Kitchen table" in words(client.get(reverse("compare")))


def test_comparing_costs_the_same_queries_for_3_models_and_for_60(client, django_assert_num_queries):
    first, second = two()
    with django_assert_num_queries(9):
        compared(client, first, second)
    many = make.models(60, prefix="N")
    pair = [make.snapshot(first.leaderboard.benchmark) for _ in range(2)]
    for one in pair:
        make.ranking(one, many)
    with django_assert_num_queries(9):
        compared(client, *pair)
