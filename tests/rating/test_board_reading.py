"""A board as a reader asks for it: languages, groups, any two models, some rows in any order; names that hold."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from arena.models import Answer, Category, LanguageModel, Provenance, Question
from rating import boards
from rating.board_page import Body, kept
from rating.boards import Duel, Shown, Wanted, board, choices, pair
from rating.models import Health, LiveBoard, Rating
from rating.pace_of_answers import speeds
from rating.recipe_words import basis, differences, in_words
from rating.views.boards import fragment
from tests.rating import make
from tests.rating.test_pages_boards import url, words

pytestmark = pytest.mark.django_db


def ranked(*names: str, **fields):
    """A snapshot that ranks models of these names, best first."""
    snapshot = make.snapshot(**fields)
    models = [
        LanguageModel.objects.create(name=name, version="1", vendor=f"{name} Labs", licence="MIT") for name in names
    ]
    make.ranking(snapshot, models)
    return snapshot, models


def shown(snapshot, **query) -> list[str]:
    found = board(snapshot.leaderboard.benchmark, snapshot=snapshot)
    return [line.model.name for line in Shown(found, Wanted.of(query)).lines]


# languages, groups, groupings


def test_a_language_has_a_board_of_its_own_and_is_no_part_of_the_whole(client):
    snapshot, (first, second) = ranked("Ash", "Birch")
    make.ranking(snapshot, [second, first], language="zh", n=33)
    make.ranking(snapshot, [first, second], language="en", n=47)
    response = client.get(url(snapshot, language="zh"))
    text = words(response)
    assert "Birch wins about" in text and "Kitchen table · Chinese" in text and "n = 33 comparisons" in text
    assert 'href="?language=zh" aria-current="true"' in response.content.decode()
    assert "n = 80 comparisons" in words(client.get(url(snapshot)))
    assert [row.model.name for row in board(snapshot.leaderboard.benchmark).rows] == ["Ash", "Birch"]


def test_a_language_and_a_category_are_not_asked_for_together(client):
    snapshot = make.board(2)
    models = list(LanguageModel.objects.all())
    for language in ("en", "zh"):
        make.ranking(snapshot, models, language=language)
    html = client.get(url(snapshot, category="maths")).content.decode()
    assert 'href="?language=zh"' in html
    assert "category=code" in client.get(url(snapshot, language="zh")).content.decode()
    assert "language=zh&amp;category" not in client.get(url(snapshot, language="zh")).content.decode()


def test_a_group_with_a_board_of_its_own_is_a_link_and_no_category_of_the_overview(client):
    snapshot = make.board(3)
    group = Category.objects.get(key="reasoning")
    make.ranking(snapshot, list(LanguageModel.objects.order_by("-pk")), category=group)
    response = client.get(url(snapshot))
    assert 'href="?category=reasoning">Knowledge and reasoning</a>' in response.content.decode()
    assert "Not every model was judged" not in words(response)
    assert {one.key for one in choices(snapshot).categories} == {"writing", "chat", "maths", "code"}
    assert "M3 wins about" in words(client.get(url(snapshot, category="reasoning")))


def test_a_grouping_of_the_recipe_sorts_the_categories_by_its_kinds(client):
    kinds = [{"key": "hard", "name_en": "Hard ones", "name_zh": "", "of": ["maths", "code"]}]
    grouping = {"name": "school", "title_en": "School subjects", "title_zh": "", "kinds": kinds}
    snapshot = make.board(2, recipe={"grouping": grouping})
    kind = Category.objects.create(key="school:hard", name_en="Hard ones")
    make.ranking(snapshot, list(LanguageModel.objects.all()), category=kind)
    groups = choices(snapshot).groups
    assert [(group.name, [one.key for one in group.members]) for group in groups] == [
        ("Hard ones", ["maths", "code"]), ("", ["writing", "chat"]),
    ]  # fmt: skip
    response = client.get(url(snapshot, category="school:hard"))
    assert "Kitchen table · Hard ones" in words(response) and "by School subjects" in words(response)


# names


def test_a_permalink_holds_after_its_judge_was_renamed(client):
    judge = make.judge("fair")
    snapshot, models = ranked("Ash", "Birch", judges={str(judge.pk): "fair"})
    make.ranking(snapshot, models, source="judge:fair")
    Health.objects.create(snapshot=snapshot, judge=judge, told={"verdicts": [1, 1, 1, 1, 1]})
    address = url(snapshot, "snapshot", source="judge:fair")
    before = words(client.get(address))
    judge.name = "fairer"
    judge.save()
    cache.clear()
    after = words(client.get(address))
    assert "Judges counted here: fair" in before and after == before


# any two


def test_any_two_models_are_compared_by_the_address(client):
    snapshot, (ash, birch, cedar) = ranked("Ash", "Birch", "Cedar")
    text = words(client.get(url(snapshot, a=cedar.pk, b=ash.pk)))
    assert "Cedar wins about 3 of 10 against Ash ." in text
    assert "33% of their battles, cautiously between 27% and 40%." in text
    assert "The data tell the two apart." in text


def test_two_whose_intervals_overlap_are_said_to_be_so(client):
    snapshot, (first, second) = ranked("Ash", "Birch")
    Rating.objects.filter(model=second).update(rating=1080, low=1040, high=1120, rank_low=1, rank_high=2)
    assert "Their intervals overlap: the data may not tell the two apart." in words(client.get(url(snapshot)))


def test_rank_ranges_may_tell_apart_what_the_cautious_interval_does_not(client):
    snapshot, (_first, second) = ranked("Ash", "Birch")
    Rating.objects.filter(model=second).update(rating=1080, low=1040, high=1120)
    assert "Their rank ranges, which know what the two have in common, tell them apart." in words(
        client.get(url(snapshot))
    )


def test_one_model_is_not_compared_with_itself(client):
    snapshot, (first, _second) = ranked("Ash", "Birch")
    assert "Choose two different models" in words(client.get(url(snapshot, a=first.pk, b=first.pk)))


@pytest.mark.parametrize("which", ["x", "99999", "%00"])
def test_a_model_that_is_not_on_the_board_is_no_choice(client, which):
    snapshot, _ = ranked("Ash", "Birch")
    assert "Ash wins about" in words(client.get(url(snapshot, a=which)))


def test_scores_of_two_are_told_as_a_difference(client):
    snapshot, models = ranked("Ash", "Birch")
    make.ranking(snapshot, models[:1], method="score", rating=7.5, low=7.25, high=7.75)
    make.ranking(snapshot, models[1:], method="score", rating=7.0, low=6.75, high=7.25)
    text = words(client.get(url(snapshot, method="score", a=models[0].pk, b=models[1].pk)))
    assert "Mean score of Ash less that of Birch : +0.50 [0.00, +1.00]" in text


def test_places_per_category_say_how_many_judgments_are_behind_them(client):
    snapshot, (first, second) = ranked("Ash", "Birch")
    writing = Category.objects.get_or_create(key="writing", defaults={"name_en": "Writing"})[0]
    make.ranking(snapshot, [first, second], category=writing, n=1200)
    Rating.objects.filter(category=writing, model=second).update(n=24)
    assert "n of each model" in (text := words(client.get(url(snapshot)))) and "24–1,200" in text


def test_online_elo_has_no_margin_of_error_to_compare_by():
    snapshot, models = ranked("Ash", "Birch")
    rows = make.ranking(snapshot, models, method="elo")
    assert not Duel(*rows).has_interval and Duel(*rows).low is None


@pytest.mark.parametrize(
    ("low", "told"), [(1000, "Online Elo cannot say which of Ash and Birch is ahead"), (1150, "Ash wins about")]
)
def test_online_elo_tells_no_odds_where_the_order_of_the_votes_decides(client, low, told):
    snapshot, models = ranked("Ash", "Birch")
    make.ranking(snapshot, models[:1], method="elo", rating=1200, low=low, high=1200)
    make.ranking(snapshot, models[1:], method="elo", rating=1000, low=1000, high=1100)
    text = words(client.get(url(snapshot, method="elo")))
    assert told in text and "there is no margin of error for this" in text


def test_the_cautious_interval_is_never_narrower_than_that_of_independent_models():
    snapshot, models = ranked("Ash", "Birch")
    one, other = Rating.objects.order_by("rank")
    duel = Duel(one, other)
    independent = (25**2 + 25**2) ** 0.5
    assert duel.high - duel.difference >= independent and duel.difference - duel.low >= independent


def test_swapping_the_two_turns_the_duel_round():
    ranked("Ash", "Birch")
    one, other = Rating.objects.order_by("rank")
    there, back = Duel(one, other), Duel(other, one)
    assert (there.difference, there.low, there.high) == (-back.difference, -back.high, -back.low)
    assert there.share == pytest.approx(1 - back.share)


def test_nobody_is_compared_over_groups_that_never_met():
    note = {"source": "all", "method": "bt", "category": None, "note": "disconnected"}
    snapshot, _ = ranked("Ash", "Birch", notes=[note])
    assert pair(board(snapshot.leaderboard.benchmark), {}).duel is None


# some rows, in any order


def test_filters_hide_rows_and_never_change_their_ranks(client):
    snapshot, _ = ranked("Ash", "Birch", "Cedar")
    response = client.get(url(snapshot, vendor="Cedar+Labs"))
    text = words(response)
    assert "1 of 3 models shown; ranks are those among all 3." in text
    assert "3 Cedar" in text and "Ash" not in text.split("About")[0].split("All categories")[-1].split("Cite")[0]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"q": "BIR"}, ["Birch"]),
        ({"licence": "none"}, []),
        ({"price": "5"}, ["Ash"]),
        ({"price": "5,5"}, ["Ash"]),
        ({"price": "dear"}, ["Ash", "Birch", "Cedar"]),
        ({"price": "-1"}, ["Ash", "Birch", "Cedar"]),
        ({"sure": "1"}, ["Ash", "Cedar"]),
        ({"sort": "price"}, ["Ash", "Birch", "Cedar"]),
        ({"sort": "-price"}, ["Birch", "Ash", "Cedar"]),
        ({"sort": "n"}, ["Ash", "Cedar", "Birch"]),
        ({"sort": "-rank"}, ["Cedar", "Birch", "Ash"]),
        ({"sort": "-model"}, ["Cedar", "Birch", "Ash"]),
        ({"sort": "nowhere"}, ["Ash", "Birch", "Cedar"]),
    ],
)
def test_rows_are_those_asked_for_in_the_order_asked_for(query, left):
    snapshot, (ash, birch, _cedar) = ranked("Ash", "Birch", "Cedar")
    LanguageModel.objects.filter(pk=ash.pk).update(price_in=1, price_out=4)
    LanguageModel.objects.filter(pk=birch.pk).update(price_in=1, price_out=8)
    Rating.objects.filter(model=birch).update(n=12)
    assert shown(snapshot, **query) == left


def test_a_price_that_is_none_keeps_the_input_and_says_so(client):
    snapshot, _ = ranked("Ash", "Birch")
    html = client.get(url(snapshot, price="dear")).content.decode()
    assert "“dear” is no price" in html and 'value="dear" aria-invalid="true"' in html


def test_models_without_a_price_are_not_taken_for_cheap(client):
    snapshot, _ = ranked("Ash", "Birch")
    text = words(client.get(url(snapshot, price="100")))
    assert "No model is like that" in text and "2 models have no known price and are hidden." in text


def test_a_heading_sorts_and_turns_round(client):
    snapshot, _ = ranked("Ash", "Birch")
    assert 'aria-sort="ascending"' in client.get(url(snapshot)).content.decode()
    html = client.get(url(snapshot, sort="n")).content.decode()
    assert 'aria-sort="descending"' in html and 'href="?sort=-n"' in html


def test_prices_and_speeds_stand_in_columns_and_what_nobody_knows_is_a_dash(client):
    speed = {"first_token": 0.42, "per_second": 61.5, "n": 20}
    snapshot, (ash, _birch) = ranked("Ash", "Birch")
    snapshot.details = [{"speed": {str(ash.pk): speed}}]
    snapshot.save()
    LanguageModel.objects.filter(pk=ash.pk).update(price_in=0.5, price_out=1250)
    text = words(client.get(url(snapshot)))
    assert "0.5 / 1,250 61.5 0.42" in text and text.count("— — —") == 1


def test_the_entry_of_speeds_is_no_detail_of_a_board():
    snapshot, _ = ranked("Ash", details=[{"speed": {"1": {"n": 1}}}])
    assert board(snapshot.leaderboard.benchmark).details == {}


def test_preliminary_is_below_what_the_recipe_says(client):
    snapshot, _ = ranked("Ash", "Birch", recipe={"few": 100})
    text = words(client.get(url(snapshot)))
    assert (
        text.count(" preliminary Ash Labs ") == text.count(" preliminary Birch Labs ") == 1
        and "fewer than 100 judgments" in text
    )


# what is kept


def test_a_page_that_is_kept_costs_few_queries_and_is_the_same(client, django_assert_max_num_queries):
    snapshot = make.board(3)
    first = words(client.get(url(snapshot)))
    with django_assert_max_num_queries(6):
        assert words(client.get(url(snapshot))) == first


@pytest.mark.parametrize("change", ["price", "name", "category", "live"])
def test_a_page_that_is_kept_shows_a_change_at_once(client, change):
    snapshot = make.board(2)
    client.get(url(snapshot))
    if change == "price":
        LanguageModel.objects.filter(name="M1").update(price_out=77.25)
        expected = "77.25"
    elif change == "name":
        LanguageModel.objects.filter(name="M1").update(name="Renamed")
        expected = "Renamed wins about"
    elif change == "category":
        Category.objects.filter(key="maths").update(name_en="Sums")
        expected = "Sums"
    else:
        model = LanguageModel.objects.get(name="M2")
        rows = [{"model": model.pk, "rating": 1000, "low": None, "high": None, "rank": 1, "rank_low": 1, "rank_high": 1,
                 "n": 999, "win_rate": 0.5}]  # fmt: skip
        LiveBoard.objects.create(leaderboard=snapshot.leaderboard, source="all", method="bt", rows=rows)
        expected = "999"
    assert expected in words(client.get(url(snapshot)))


def test_a_page_is_kept_for_each_language_apart(client):
    snapshot = make.board(2)
    client.get(url(snapshot))
    client.cookies["django_language"] = "zh-hans"
    assert "数学与推理" in words(client.get(url(snapshot)))


@pytest.mark.parametrize("query", ["a=1", "q=x", "source=nobody", "source=all&source=all", "sort=n"])
def test_what_has_no_end_is_not_kept(rf, query):
    snapshot = make.board(2)
    request = rf.get(f"/leaderboard/1/?{query}")
    is_there = "nobody" not in query
    kept(request, snapshot, lambda: Body("one", "one", is_there))
    assert kept(request, snapshot, lambda: Body("two", "two", is_there)).html == "two"


def test_a_reader_who_may_vote_is_told_so_on_an_empty_board_only_themselves(client, django_user_model):
    snapshot = make.board(2)
    anonymous = words(client.get(url(snapshot, source="people")))
    client.force_login(django_user_model.objects.create_user("ann"))
    assert "Or sign in to vote." in anonymous
    assert "Or sign in to vote." not in words(client.get(url(snapshot, source="people")))


# speeds and recipes


def answer(question, model, **fields):
    return Answer.objects.create(question=question, model=model, sample=fields.pop("sample", 0), turns=["x"], **fields)


def test_speeds_are_medians_over_the_answers_of_the_benchmark():
    benchmark, category = make.benchmark(), Category.objects.create(key="any")
    (model, silent) = make.models(2)
    for place, (seconds, first) in enumerate([(1, 0.1), (2, 0.2), (4, 0.9), (None, 0.3)]):
        question = Question.objects.create(benchmark=benchmark, category=category, key=str(place), turns=["?"])
        answer(question, model, seconds=seconds, first_token_s=first, tokens_out=100)
        answer(question, silent)
    told = speeds(benchmark)
    assert told == {model.pk: {"first_token": pytest.approx(0.25), "per_second": pytest.approx(50.0), "n": 3}}


def test_speeds_leave_out_failures_and_other_benchmarks():
    benchmark, other = make.benchmark(), make.benchmark("other")
    category, (model,) = Category.objects.create(key="any"), make.models(1)
    mine = Question.objects.create(benchmark=benchmark, category=category, key="1", turns=["?"])
    theirs = Question.objects.create(benchmark=other, category=category, key="1", turns=["?"])
    Answer.objects.create(question=mine, model=model, turns=[], error="late", seconds=90, tokens_out=1)
    answer(theirs, model, seconds=1, tokens_out=10, provenance=Provenance.DEMO)
    assert speeds(benchmark) == {}
    assert speeds(other)[model.pk]["per_second"] == 10


def test_a_recipe_is_told_in_words():
    told = dict(in_words({"level": 0.95, "flips": "abstain", "style": ["length"], "total": "sum", "few": 50}))
    assert told["level of the intervals"] == "95 %"
    assert told["verdicts that change with the order"] == "are left out"
    assert (told["kind of total"], told["preliminary below"]) == ("weighted sum", "50 judgments")


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({}, "each category once"),
        ({"basis": "counts", "weights": {"a": 3}}, "by its share of the questions"),
        ({"basis": "given", "profile": "shop", "weights": {"a": 3}}, "by the weights of “shop”"),
    ],
)
def test_a_total_says_where_its_weights_come_from(recipe, told):
    assert basis(recipe) == told


def test_a_sum_is_never_called_a_mean(client):
    snapshot = make.snapshot(recipe={"total": "sum", "basis": "ones"})
    make.ranking(snapshot, make.models(2), weighted=2.25)
    text = words(client.get(url(snapshot)))
    assert "Weighted sum each category once" in text.replace("▼ ", "") and "Weighted mean" not in text


def test_what_differs_between_recipes_is_named_and_an_unknown_part_by_its_key():
    assert differences({"k": 32}, {"k": 16, "wind": 1}) == ["step of online Elo", "wind"]


def test_the_board_may_be_cited_by_address_digest_and_recipe(client):
    snapshot, _ = ranked("Ash", "Birch", digest="ab" * 32)
    response = client.get(url(snapshot, source="all", sort="n"))
    text = words(response)
    address = f"http://testserver{reverse('snapshot', args=[snapshot.pk])}?source=all"
    assert address in text and "ab" * 32 in text and "level of the intervals 95 %" in text
    assert set(boards.SOURCES) >= {"all", "people"}


# what follows the votes


def test_the_parts_that_votes_change_are_the_same_in_the_page_and_in_the_fragment(client, rf):
    snapshot, models = ranked("Ash", "Birch")
    row = {"low": 900, "high": 1000, "rank_low": 1, "rank_high": 2, "n": 99, "win_rate": 0.5}
    rows = [{"model": model.pk, "rating": 950, "rank": rank, **row} for rank, model in enumerate(models[::-1], 1)]
    LiveBoard.objects.create(leaderboard=snapshot.leaderboard, source="all", method="bt", rows=rows)
    found, html = fragment(rf.get(url(snapshot)), snapshot.leaderboard.benchmark)
    page = client.get(url(snapshot)).content.decode()
    assert [row.model.name for row in found.rows] == ["Birch", "Ash"]
    assert html.count("data-live=") == 3 and f'data-board="{snapshot.leaderboard.benchmark_id}"' in page
    for part in html.split('<div data-live="')[1:]:
        assert part.strip() in page


def test_a_snapshot_follows_no_votes(client):
    snapshot, _ = ranked("Ash", "Birch")
    html = client.get(url(snapshot, "snapshot")).content.decode()
    assert "data-board" not in html and "board-live.js" not in html
