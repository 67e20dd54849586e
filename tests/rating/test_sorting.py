"""Ratings by kinds of categories and by language: the same votes sorted otherwise, and nobody is asked again."""

from __future__ import annotations

import numpy as np
import pytest

from arena.models import Category, Question
from judging.models import Judge, Preference
from rating import groupings, live, snapshots
from rating.counting import catch_up
from rating.models import Grouping, Leaderboard, LiveBoard
from rating.sorting import Sorting, members, sorting
from tests.judging import recorded as make
from tests.rating.test_snapshots import judged

pytestmark = pytest.mark.django_db


def grouped(questions: int = 12):
    """The pantry with its two categories in one group."""
    benchmark = judged(questions=questions)
    home = make.category("home")
    Category.objects.filter(key__in=("cooking", "sums")).update(group=home)
    return benchmark, home


def ratings_of(snapshot, **where) -> dict:
    rows = snapshot.ratings.filter(source="all", method="bt", **where)
    return {row.model.name: (row.rating, row.low, row.n) for row in rows.select_related("model")}


def test_a_group_has_a_board_of_the_votes_of_all_its_categories():
    benchmark, home = grouped()
    snapshot = snapshots.take(benchmark)
    assert ratings_of(snapshot, category=home) == ratings_of(snapshot, category=None, language="")
    Category.objects.filter(key="sums").update(group=None)
    alone = snapshots.take(benchmark)
    assert alone != snapshot
    assert ratings_of(alone, category=home) == ratings_of(alone, category__key="cooking")


def test_a_group_of_two_categories_of_three_is_rated_from_these_two():
    benchmark, home = grouped()
    third = make.category("letters")
    Question.objects.filter(key__in=("q0", "q3")).update(category=third)
    assert Question.objects.filter(category=third).exists()
    snapshot = snapshots.take(benchmark)
    there, whole = ratings_of(snapshot, category=home), ratings_of(snapshot, category=None, language="")
    letters = ratings_of(snapshot, category=third)
    for model in whole:
        assert there[model][2] == whole[model][2] - letters[model][2]
        assert there[model][0] != whole[model][0]


def test_a_kind_that_holds_questions_of_its_own_is_a_category_and_no_kind():
    assert Sorting({1: 2}).kind_of(np.array([1, 2])).tolist() == [-1, -1]
    assert members({1: 3, 2: 3, 4: 1}, [1, 2, 4]) == {3: [1, 2]}


def test_totals_count_categories_and_not_their_kinds_too():
    benchmark, home = grouped()
    snapshot = snapshots.take(benchmark)
    row = snapshot.ratings.get(source="all", method="score", category=None, language="", model__name="Ash")
    kinds = snapshot.ratings.filter(source="all", method="score", category__key__in=("cooking", "sums"))
    values = [one.rating for one in kinds.filter(model__name="Ash")]
    assert row.weighted == pytest.approx(sum(values) / 2)


def test_a_benchmark_in_two_languages_has_a_board_for_each():
    benchmark = judged()
    Question.objects.filter(key__in=("q1", "q2", "q3", "q4")).update(language="zh")
    snapshot = snapshots.take(benchmark)
    whole, chinese, english = (ratings_of(snapshot, category=None, language=one) for one in ("", "zh", "en"))
    for model in whole:
        assert chinese[model][2] + english[model][2] == whole[model][2]
    assert chinese["Ash"][2] == 24
    assert not snapshot.ratings.filter(category__isnull=False).exclude(language="").exists()


def test_a_benchmark_in_one_language_has_no_board_of_it():
    benchmark = judged()
    assert not snapshots.take(benchmark).ratings.exclude(language="").exists()
    assert sorting(benchmark, {}).languages == ()


def test_another_grouping_gives_the_next_snapshot_from_the_same_judgments():
    benchmark, home = grouped()
    first = snapshots.take(benchmark)
    asked = Preference.objects.count()
    kind = Category.objects.create(key="work:desk", name_en="At the desk")
    Grouping.objects.create(name="work", kinds=[{"key": "desk", "name_en": "At the desk", "of": ["sums"]}])
    assert groupings.places(Grouping.objects.get()) == {Category.objects.get(key="sums").pk: kind}
    Leaderboard.objects.filter(benchmark=benchmark).update(recipe={"grouping": "work"})
    second = snapshots.take(benchmark)
    assert (Preference.objects.count(), second.n) == (asked, first.n)
    assert second.recipe["grouping"]["kinds"][0]["of"] == ["sums"]
    assert ratings_of(second, category=kind) == ratings_of(second, category__key="sums")
    assert ratings_of(first, category=home) and not ratings_of(second, category=home)


def test_live_boards_have_the_kinds_that_the_snapshot_has():
    benchmark, home = grouped(questions=20)
    snapshot = snapshots.take(benchmark)
    assert catch_up()
    leaderboard = Leaderboard.objects.get(benchmark=benchmark)
    live.refresh(leaderboard, snapshots.recipe(leaderboard)[1])
    found = LiveBoard.objects.get(leaderboard=leaderboard, source="all", method="bt", category=home)
    saved = ratings_of(snapshot, category=home)
    assert {row["n"] for row in found.rows} == {n for _rating, _low, n in saved.values()}


def test_a_snapshot_knows_its_judges_by_the_names_they_had():
    benchmark = judged()
    snapshot = snapshots.take(benchmark)
    fair = Judge.objects.get(name="fair")
    Judge.objects.filter(pk=fair.pk).update(name="just")
    snapshot.refresh_from_db()
    assert snapshot.judges[str(fair.pk)] == "fair"
    assert snapshot.ratings.filter(source="judge:fair").exists()
