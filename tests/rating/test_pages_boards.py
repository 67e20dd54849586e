"""Leaderboards, home and snapshots as a reader without JavaScript gets them."""

import re

import pytest
from django.urls import reverse

from arena.models import Category, Question
from rating.boards import NoSuchBoard, board
from rating.models import Rating
from tests.rating import make

pytestmark = pytest.mark.django_db


def words(response) -> str:
    """The page's text: no tags, single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def url(snapshot, name="leaderboard", **query) -> str:
    pk = snapshot.pk if name == "snapshot" else snapshot.leaderboard.benchmark_id
    return reverse(name, args=[pk]) + (
        "?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else ""
    )


def test_a_board_shows_rank_range_rating_interval_and_n(client):
    snapshot = make.snapshot()
    first, second = make.models(2)
    make.ranking(snapshot, [first])
    make.rating(snapshot, second, 2, rank_low=1, rank_high=2, n=12).save()
    text = words(client.get(url(snapshot)))
    assert "1100 [1075, 1125]" in text
    assert "2 1–2 M2 preliminary" in text
    assert "Not distinguishable from the leader: M2." in text


def test_the_best_two_are_compared_in_words(client):
    snapshot = make.board(2)
    assert "M1 wins about 6 of 10 against M2 ." in words(client.get(url(snapshot)))


def test_scores_are_shown_with_decimals_and_without_odds(client):
    snapshot = make.snapshot()
    make.ranking(snapshot, make.models(2), method="score", rating=7.25, low=7.0, high=7.5)
    text = words(client.get(url(snapshot)))
    assert "7.25 [7.00, 7.50]" in text
    assert "of 10 against" not in text


def test_a_model_without_a_rating_comes_last_with_a_dash(client):
    snapshot = make.snapshot()
    first, second = make.models(2)
    make.rating(
        snapshot, first, rating=None, low=None, high=None, rank=None, rank_low=None, rank_high=None, win_rate=None
    ).save()
    make.rating(snapshot, second).save()
    found = board(snapshot.leaderboard.benchmark)
    assert [row.model.name for row in found.rows] == ["M2", "M1"]
    html = client.get(url(snapshot)).content.decode()
    assert "None" not in html and "nan" not in html.lower().replace("finance", "")


@pytest.mark.parametrize(
    "query", [{}, {"category": "maths"}, {"source": "people"}, {"method": "score"}, {"method": "elo"}]
)
def test_no_page_of_a_board_shows_none_or_nan(client, query):
    html = client.get(url(make.board(), **query)).content.decode()
    assert not re.search(r"\b(None|NaN|nan|inf)\b", html)


def test_the_tab_of_a_category_shows_that_category_only(client):
    text = words(client.get(url(make.board(), category="writing")))
    assert "Kitchen table · Writing" in text
    assert "M2 wins about" in text


def test_the_overall_tab_shows_who_leads_each_category(client):
    text = words(client.get(url(make.board())))
    assert "M1 ranks first overall; in 2 categories another model ranks first." in text
    assert "≈" not in text


def test_a_category_whose_first_is_not_clear_is_marked(client):
    snapshot = make.board()
    unclear = Rating.objects.filter(category__key="writing", rank=1)
    unclear.update(rank_high=2)
    text = words(client.get(url(snapshot)))
    assert "in 2 categories another model ranks first, not always clearly." in text
    assert "Writing ≈ M2" in text and "Code M1" in text
    assert "≈: the data cannot tell the first from the second" in text


def test_no_leader_is_named_where_the_same_one_leads_everywhere(client):
    snapshot = make.board()
    Rating.objects.filter(category__key__in=["writing", "maths"]).delete()
    assert "ranks first overall" not in words(client.get(url(snapshot)))


def test_no_leader_is_named_where_two_rank_first(client):
    snapshot = make.board()
    Rating.objects.filter(category=None, model__name="M2").update(rank=1)
    text = words(client.get(url(snapshot)))
    assert "One ranking hides a lot" in text and "ranks first overall" not in text


def swayed(**fields):
    """A board that counts judge "small", with its flips."""
    snapshot, judge = make.board(2), make.judge("small")
    models = [row.model for row in board(snapshot.leaderboard.benchmark).rows]
    for source in ("judges", "people", "judge:small"):
        make.ranking(snapshot, models, source=source)
    told = {"raw": 0.5, "low": 0.4, "high": 0.6, "kappa": None, "alpha": None, **fields}
    make.agreement(snapshot, "flips", "small", **told)
    return snapshot, judge


WARNING = "Counts the votes of small , which the order of the answers sways; choose other votes above."


@pytest.mark.parametrize("source", ["all", "judges"])
def test_a_board_that_counts_a_swayed_judge_says_so_and_links_it(client, source):
    snapshot, judge = swayed()
    response = client.get(url(snapshot, source=source))
    assert WARNING in words(response)
    assert f'<a href="{reverse("judge", args=[judge.pk])}">small</a>' in response.content.decode()


@pytest.mark.parametrize(
    "query", [{"source": "people"}, {"source": "judge:small"}, {"category": "maths"}, {"method": "score"}]
)
def test_a_board_without_the_votes_of_a_swayed_judge_is_silent(client, query):
    snapshot, _ = swayed()
    make.ranking(snapshot, make.models(2, prefix="S"), method="score", rating=5, low=4, high=6)
    assert "order of the answers sways" not in words(client.get(url(snapshot, **query)))


def test_a_board_does_not_warn_of_a_judge_that_may_be_steady(client):
    snapshot, _ = swayed(low=0.15)
    assert "order of the answers sways" not in words(client.get(url(snapshot)))


def test_the_head_and_the_table_say_what_they_count(client):
    snapshot = make.board(2)
    text = words(client.get(url(snapshot)))
    assert "240 judgments in all (pairs and scores; both orders of a judge count once)" in text
    assert "All categories · n = 80 comparisons" in text and "On this board 80 comparisons" in text


def test_a_board_of_scores_counts_scores_and_has_no_win_rate(client):
    snapshot = make.snapshot()
    make.ranking(snapshot, make.models(2), method="score", rating=7.25, low=7.0, high=7.5)
    text = words(client.get(url(snapshot)))
    assert "n = 160 scores" in text and "On this board 160 scores" in text
    assert "Win rate" not in text and "50%" not in text


def test_a_cell_without_judgments_is_blank_and_the_gap_is_said(client):
    snapshot = make.board(3)
    Rating.objects.filter(category__key="code", model__name="M3").delete()
    response = client.get(url(snapshot))
    assert '<td class="number"></td>' in response.content.decode()
    assert "Not every model was judged in all 4 categories: M3 (3)." in words(response)


def test_unequal_counts_are_said(client):
    snapshot = make.snapshot()
    first, second = make.models(2)
    make.rating(snapshot, first, 1, n=100).save()
    make.rating(snapshot, second, 2, n=40).save()
    assert "Judged less often than the others (of 100): M2 40." in words(client.get(url(snapshot)))


def test_what_was_left_out_is_counted_with_its_reason(client):
    snapshot = make.snapshot(excluded={"parse_error": 7, "refused": 0})
    make.ranking(snapshot, make.models(2))
    text = words(client.get(url(snapshot)))
    assert "no verdict could be read (7)." in text
    assert "refused" not in text


def test_a_note_shows_on_its_own_board_only(client):
    note = {"source": "all", "method": "bt", "category": "maths", "note": "the battles fall into 2 groups"}
    snapshot = make.board(3, notes=[note])
    assert "fall into 2 groups" in words(client.get(url(snapshot, category="maths")))
    assert "fall into 2 groups" not in words(client.get(url(snapshot)))


def test_the_weighted_total_names_its_mode(client):
    snapshot = make.snapshot(recipe={"total": "sum"})
    make.ranking(snapshot, make.models(2), weighted=1234)
    text = words(client.get(url(snapshot)))
    assert "Weighted sum" in text and "1234" in text


def test_a_single_judge_is_a_source_of_its_own(client):
    snapshot = make.board(2)
    make.ranking(
        snapshot, [row.model for row in reversed(board(snapshot.leaderboard.benchmark).rows)], source="judge:fair"
    )
    response = client.get(url(snapshot, source="judge:fair"))
    assert "M2 wins about" in words(response)
    assert 'href="?source=judge%3Afair" aria-current="true"' in response.content.decode()


def test_without_a_method_the_first_there_is_shows(client):
    snapshot = make.snapshot()
    make.ranking(snapshot, make.models(2), method="score", rating=5, low=4, high=6)
    assert "Mean score" in words(client.get(url(snapshot)))


@pytest.mark.parametrize(
    "query", [{"source": "people"}, {"source": "judge:nobody"}, {"method": "elo"}, {"source": "%00"}]
)
def test_a_board_with_no_data_says_what_to_do(client, query):
    response = client.get(url(make.board(), **query))
    assert response.status_code == 200
    if query != {"source": "%00"}:
        assert "No ratings for this choice" in words(response)


@pytest.mark.parametrize("query", [{"method": "guess"}, {"category": "nowhere"}, {"category": "%3Cscript%3E"}])
def test_an_unknown_category_or_method_is_not_found_and_links_back(client, query):
    response = client.get(url(make.board(), **query))
    assert response.status_code == 404
    assert "There is no" in words(response) and "<script>" not in response.content.decode()


def test_a_benchmark_without_a_snapshot_says_what_to_do(client):
    benchmark = make.benchmark()
    response = client.get(reverse("leaderboard", args=[benchmark.pk]))
    assert response.status_code == 200
    assert "Nothing is judged yet" in words(response)


def test_a_snapshot_keeps_showing_its_own_ratings(client):
    old = make.board(2)
    new = make.snapshot(old.leaderboard.benchmark)
    make.ranking(new, [row.model for row in reversed(board(old.leaderboard.benchmark, snapshot=old).rows)])
    assert "M1 wins about" in words(client.get(url(old, "snapshot")))
    assert "M2 wins about" in words(client.get(url(old)))
    assert "It never changes" in words(client.get(url(old, "snapshot")))


def test_demo_rows_are_called_demo(client):
    assert 'data-provenance="demo"' in client.get(url(make.board(2, provenances=["demo"]))).content.decode()


def test_a_page_that_does_not_exist_is_a_page(client):
    response = client.get("/leaderboard/999/")
    assert response.status_code == 404
    assert "There is no such page" in words(response)


@pytest.mark.parametrize("query", [{}, {"category": "maths"}])
def test_a_board_costs_the_same_queries_for_3_models_and_for_60(client, django_assert_num_queries, query):
    small = make.board(3)
    with django_assert_num_queries(14 if not query else 13):
        client.get(url(small, **query))
    large = make.snapshot(make.benchmark("large"))
    many = make.models(60, prefix="N")
    make.ranking(large, many)
    for row in Rating.objects.filter(snapshot=small, category__isnull=False).values("category").distinct().order_by():
        make.ranking(large, many, category_id=row["category"])
    with django_assert_num_queries(14 if not query else 13):
        client.get(url(large, **query))


def test_the_home_page_lists_the_best_three_of_every_board(client, django_assert_num_queries):
    benchmark = make.board(5).leaderboard.benchmark
    for category in Category.objects.exclude(group=None):
        Question.objects.create(benchmark=benchmark, category=category, key=category.key, turns=["?"])
    make.ranking(make.snapshot(make.benchmark("second")), make.models(2, prefix="N"))
    with django_assert_num_queries(4):
        response = client.get("/")
    text = words(response)
    assert "1 M1 1100 [1075, 1125]" in text and "M4" not in text
    assert "240 judgments · 4 categories" in text


def test_an_empty_site_names_the_commands(client):
    text = words(client.get("/"))
    assert "manage.py demo" in text and "manage.py load" in text


def test_the_board_in_chinese_names_categories_in_chinese(client):
    client.cookies["django_language"] = "zh-hans"
    response = client.get(url(make.board(), category="maths"))
    text = words(response)
    assert "厨房餐桌" in text and "数学与推理" in text and "语言表达" in text


def test_as_json_has_the_promised_fields():
    snapshot = make.board(2)
    told = board(snapshot.leaderboard.benchmark, category="maths").as_json()
    assert set(told) == {"benchmark", "category", "source", "method", "n", "rows"}
    assert (told["category"], told["n"], told["rows"][0]["model"]) == ("maths", 20, "M2")
    assert set(told["rows"][0]) == {
        "model",
        "rating",
        "low",
        "high",
        "rank",
        "rank_low",
        "rank_high",
        "n",
        "n_failed",
        "win_rate",
    }


def test_a_board_of_an_unknown_category_names_the_choices():
    snapshot = make.board(2)
    with pytest.raises(NoSuchBoard, match="no category 'poetry'"):
        board(snapshot.leaderboard.benchmark, category="poetry")


def test_groups_of_models_that_never_met_have_no_common_leader(client):
    note = {"source": "all", "method": "bt", "category": None, "note": "disconnected"}
    snapshot = make.snapshot(notes=[note])
    first, second = make.models(2)
    make.ranking(snapshot, [first])
    make.ranking(snapshot, [second], rating=1090)
    text = words(client.get(url(snapshot)))
    assert "fall into groups that never met" in text
    assert "Not distinguishable" not in text and "each other." not in text and "of 10 against" not in text


def test_two_equal_models_are_not_told_as_a_winner_and_a_loser(client):
    snapshot = make.snapshot()
    make.ranking(snapshot, make.models(2), rating=1000, low=950, high=1050)
    assert "M1 and M2 win about equally often against each other." in words(client.get(url(snapshot)))


@pytest.mark.parametrize("word", ["n", "preliminary", "win rate", "weighted mean", "α, κ", "close to people"])
def test_help_explains_the_words_of_boards_and_agreement(client, word):
    html = client.get(reverse("help")).content.decode()
    assert f"<dt>{word}</dt>" in html
    assert "ranges of two models overlap" in html
