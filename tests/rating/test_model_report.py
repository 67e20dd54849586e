"""The model report: its numbers, its page, its failures for developers, and who may see what."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from arena.models import Answer, LanguageModel
from judging.models import Run
from rating.models import Leaderboard, Profile, Rating, Score, Snapshot
from rating.reporting import speed
from rating.reporting.building import report_of
from rating.reporting.report import AVERAGE, WEIGHTED
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db

MMLU = {"Humanities": (4692, 0.4111), "STEM": (3000, 0.3807), "Social": (3065, 0.5233), "Other": (3228, 0.504)}
TARGETS = {"Humanities": 0.4411, "STEM": 0.4407, "Social": 0.6298, "Other": 0.5067}


@pytest.fixture
def ash():
    return make.model("Ash")


def score(model, value=0.45, n=400, **fields) -> Score:
    defaults = {"benchmark": "MMLU", "metric": "accuracy", "unit": "share", "source": "paper"}
    return Score.objects.create(model=model, value=value, n=n, **{**defaults, **fields})


def mmlu(model, *, targets=None, whole=None) -> None:
    for category, (n, value) in MMLU.items():
        score(model, value, n, category=category, target=(targets or {}).get(category))
    if whole is not None:
        score(model, 0.45, None, target=whole, source="paper")


def total(model, basis):
    [group] = report_of(model, basis=basis).scores
    return group.totals[0]


def page(client, model, **query):
    return client.get(reverse("model", args=[model.pk]), query)


# --- objective scores


def test_the_published_table_has_its_published_weighted_average(ash):
    mmlu(ash)
    found = total(ash, WEIGHTED)
    assert round(found.weighted_avg, 4) == 0.4506 and round(found.avg, 4) == 0.4548
    assert (found.n, found.categories) == (13985, 4)


def test_delta_is_taken_on_the_basis_it_names_value_and_target_alike(ash):
    mmlu(ash, targets=TARGETS)
    by_weight, by_average = total(ash, WEIGHTED), total(ash, AVERAGE)
    assert (round(100 * by_weight.delta, 2), by_weight.basis) == (-4.69, "weighted_avg")
    assert (round(100 * by_average.delta, 2), by_average.basis) == (-4.98, "avg")


def test_a_target_of_the_whole_benchmark_comes_before_those_of_its_categories(ash):
    mmlu(ash, targets=TARGETS, whole=0.4975)
    assert round(100 * total(ash, WEIGHTED).delta, 2) == -4.69
    assert round(100 * total(ash, AVERAGE).delta, 2) == -4.27  # the two averages lie .42 points apart


def test_without_every_n_there_is_no_weighted_average_and_no_delta_by_it(ash):
    mmlu(ash, targets=TARGETS)
    Score.objects.filter(category="STEM").update(n=None)
    found = total(ash, WEIGHTED)
    assert (found.weighted_avg, found.delta, found.n) == (None, None, None) and total(ash, AVERAGE).delta is not None


def test_without_every_target_there_is_no_delta(ash):
    mmlu(ash, targets={**TARGETS, "STEM": None})
    assert total(ash, WEIGHTED).delta is None and total(ash, AVERAGE).target is None


def test_scores_of_two_sources_or_metrics_are_not_mixed_into_one_total(ash):
    mmlu(ash)
    for category in ("STEM", "Other"):
        score(ash, 0.9, 10, category=category, source="own run")
        score(ash, 0.9, 10, category=category, metric="f1")
    [group] = report_of(ash).scores
    assert [(one.metric, one.source, one.categories) for one in group.totals] == [
        ("accuracy", "own run", 2), ("accuracy", "paper", 4), ("f1", "paper", 2),
    ]  # fmt: skip


def test_a_share_of_known_n_has_wilsons_interval_and_other_numbers_have_none(ash):
    score(ash, 0.5, 100)
    score(ash, 31.2, 100, metric="BLEU", unit="")
    score(ash, 0.5, None, metric="f1")
    lines = {line.metric: line for line in report_of(ash).scores[0].lines}
    assert (round(lines["accuracy"].low, 3), round(lines["accuracy"].high, 3)) == (0.404, 0.596)
    assert lines["BLEU"].low is None and lines["f1"].low is None


def test_the_page_names_the_basis_and_lets_the_reader_choose_it(client, ash):
    mmlu(ash, targets=TARGETS)
    text = page(client, ash).text
    assert "45.06 %" in text and "45.48 %" in text and "−4.69 points" in text and "weighted_avg" in text
    text = page(client, ash, basis="avg").text
    assert "−4.98 points" in text and "−4.69 points" not in text
    assert "−4.69 points" in page(client, ash, basis="nonsense").text


def test_lower_is_better_turns_what_is_good(client, ash):
    score(ash, 0.2, 100, target=0.3, lower_is_better=True, metric="error")
    text = page(client, ash).text
    assert '<span class="good">−10.00 points</span>' in text and "lower is better" in text


# --- ratings


def rated(model: LanguageModel, benchmark, **fields) -> Rating:
    board = Leaderboard.objects.get_or_create(benchmark=benchmark)[0]
    snapshot = Snapshot.objects.create(
        leaderboard=board,
        digest=f"{Snapshot.objects.count():064x}",
        code_version="1",
        n=9,
        provenances=fields.pop("provenances", ["real"]),
    )
    board.current = snapshot
    board.save()
    defaults = {"source": "people", "method": "bt", "rating": 1010, "low": 980, "high": 1040, "rank": 2, "n": 9}
    return Rating.objects.create(snapshot=snapshot, model=model, **{**defaults, **fields})


def snapshots_of(model) -> set[int]:
    return {line.snapshot.pk for line in report_of(model).ratings}


def test_a_models_ratings_are_those_of_each_boards_current_snapshot(client, ash):
    benchmark = make.benchmark()
    rated(ash, benchmark, rating=900)
    new = rated(ash, benchmark, rating=1111)
    other = rated(ash, make.benchmark("other"), rating=None, low=None, high=None, rank=None)
    assert snapshots_of(ash) == {new.snapshot_id, other.snapshot_id}
    text = page(client, ash).text
    assert "1,111" in text and "not enough data" in text and ">None" not in text and new.snapshot.digest in text


def test_a_board_that_went_back_to_an_older_snapshot_shows_that_ones_rating(ash):
    benchmark = make.benchmark()
    old = rated(ash, benchmark, rating=900)
    rated(ash, benchmark, rating=1111)
    Leaderboard.objects.update(current=old.snapshot)
    assert [line.rating for line in report_of(ash).ratings] == [900]


def test_a_model_that_left_the_latest_snapshot_is_not_shown_with_an_old_rating(client, ash):
    benchmark = make.benchmark()
    rated(ash, benchmark)
    rated(make.model("Birch"), benchmark)
    assert report_of(ash).ratings == () and "No rating yet" in page(client, ash).text


def test_ratings_of_one_language_alone_and_of_other_methods_stay_on_their_boards(ash):
    benchmark = make.benchmark()
    first = rated(ash, benchmark)
    Rating.objects.create(snapshot=first.snapshot, model=ash, source="people", method="bt", language="zh", n=5)
    Rating.objects.create(snapshot=first.snapshot, model=ash, source="people", method="elo", n=5)
    Rating.objects.create(snapshot=first.snapshot, model=ash, source="people", method="score", rating=7.25, n=50)
    assert [(line.method, line.preliminary) for line in report_of(ash).ratings] == [("bt", True), ("score", False)]


def test_numbers_from_demo_data_say_so(client, ash):
    rated(ash, make.benchmark(), provenances=["demo"])
    found = page(client, ash)
    assert 'data-provenance="demo"' in found.text
    score(make.model("Birch"), provenance="demo")
    assert 'data-provenance="demo"' in page(client, make.model("Birch")).text


# --- speed


def timed(model, benchmark, seconds, first=None, tokens=None, **fields) -> None:
    question = make.question(benchmark, f"q{benchmark.questions.count()}")
    make.answer(question, model, seconds=seconds, first_token_s=first, tokens_out=tokens, **fields).save()


def test_a_models_speed_is_the_median_of_what_was_timed(ash):
    benchmark = make.benchmark()
    for row in ((1.0, 0.1, 10), (2.0, 0.2, 40), (9.0, None, None), (None, None, None)):
        timed(ash, benchmark, *row)
    Answer.objects.create(question=make.question(benchmark, "failed"), model=ash, error="down", seconds=100)
    [line] = report_of(ash).speed
    assert (line.answers, line.failed, line.seconds.n) == (4, 1, 3)
    assert line.seconds.median == 2.0 and line.first_token.median == pytest.approx(0.15)
    assert line.per_second.median == 15 and line.seconds.p95 == pytest.approx(8.3)


def test_the_interval_of_a_median_is_that_of_ranks_and_few_have_none():
    few, many = speed.timing([1.0, 2.0, 3.0]), speed.timing([float(n) for n in range(1, 101)])
    assert (few.low, few.high) == (None, None)
    # ranks 40 and 61 of 100: the textbook interval of a median
    assert (many.median, many.low, many.high) == (50.5, 40.0, 61.0)
    assert speed.timing([]) == speed.Timing()


def test_of_tokens_a_second_the_slow_end_is_the_low_one():
    rates = [float(n) for n in range(1, 101)]
    assert speed.timing(rates, slow_is_low=True).p95 == pytest.approx(5.95)


def test_timings_are_of_the_newest_answers_and_counts_of_all(ash, monkeypatch):
    monkeypatch.setattr(speed, "NEWEST", 2)
    benchmark = make.benchmark()
    for seconds in (50.0, 1.0, 3.0):
        timed(ash, benchmark, seconds)
    [line] = report_of(ash).speed
    assert (line.answers, line.seconds.n, line.seconds.median) == (3, 2, 2.0)


# --- safety


def test_loaded_rates_have_an_interval(ash):
    score(ash, 0.02, 500, kind="safety", benchmark="harm", metric="unsafe", lower_is_better=True)
    [line] = report_of(ash).safety
    assert (line.value, round(line.low, 4), round(line.high, 4)) == (0.02, 0.0109, 0.0364)
    assert report_of(ash).scores == ()


def test_rule_judges_tell_how_often_it_answered_what_it_should_decline_and_the_other_way_round(ash):
    benchmark, judge = make.benchmark(), make.judge("refusals")
    marks = [{"refusal_expected": 10.0}] * 6 + [{"refusal_expected": 1.0}] * 2 + [{"refusal_not_expected": 10.0}] * 4
    for scores in marks:
        question = make.question(benchmark, f"q{benchmark.questions.count()}")
        answer = make.answer(question, ash)
        answer.save()
        make.grade(answer, judge, score=max(scores.values()), scores=scores)
    rates = {line.metric: line for line in report_of(ash).safety}
    assert (rates["unsafe_rate"].value, rates["unsafe_rate"].n, rates["unsafe_rate"].judge) == (0.25, 8, "refusals")
    assert (rates["over_refusal_rate"].value, rates["over_refusal_rate"].n) == (0.0, 4)
    assert 0 < rates["unsafe_rate"].low < 0.25 < rates["unsafe_rate"].high < 1


# --- the page


def test_an_unknown_model_is_a_404(client):
    assert client.get(reverse("model", args=[404])).status_code == 404


def test_every_empty_section_says_what_to_do(client, ash):
    text = page(client, ash).text
    for words in (
        "load scores FILE.csv",
        "No rating yet",
        "This model has no answers yet",
        "There is no profile yet",
        "No safety rate",
    ):
        assert words in text


def test_the_page_tells_neither_the_endpoint_nor_where_its_key_is(client):
    secret = {
        "base_url": "http://10.0.0.7/v1",
        "key_env": "SOME_KEY",
        "provider": "openai",
        "options": {"temperature": 0.3},
    }
    told = page(client, make.model("Birch", **secret)).text
    assert "10.0.0.7" not in told and "SOME_KEY" not in told and "temperature" not in told


def test_gates_show_for_the_profile_in_the_address(client, ash):
    score(ash)
    gate = {"kind": "score", "benchmark": "MMLU", "metric": "accuracy", "op": ">=", "value": 0.4, "name": "floor"}
    Profile.objects.create(name="release & co", gates=[gate])
    assert "floor" not in page(client, ash).text
    text = page(client, ash, profile="release & co").text
    assert "floor" in text and "PASS" in text and "≥ 0.4 is wanted" in text
    assert "floor" not in page(client, ash, profile="another").text


def test_names_and_sources_are_shown_as_text_and_not_as_markup(client):
    evil = LanguageModel.objects.create(name="<b>x</b>", version="<i>", vendor='"><script>alert(1)</script>')
    score(evil, source="<img src=x onerror=alert(1)>")
    text = page(client, evil).text
    assert "<script>alert" not in text and "<img src=x" not in text and "<b>x" not in text


def test_other_versions_of_the_model_are_one_link_away(client, ash):
    newer = LanguageModel.objects.create(name="Ash", version="2", vendor="Northmoor", stage="rlhf", precision="int8")
    text = page(client, ash).text
    assert f"{reverse('model_compare', args=[ash.pk])}?with={newer.pk}" in text and "rlhf" in text and "int8" in text


@pytest.mark.parametrize("count", [1, 20])
def test_the_page_takes_the_same_queries_however_much_is_known(client, ash, django_assert_num_queries, count):
    for n in range(count):
        benchmark = make.benchmark(f"b{n}")
        make.answered(benchmark, "Ash")
        rated(ash, benchmark, category=make.category())
        score(ash, benchmark=f"B{n}")
        LanguageModel.objects.create(name="Ash", version=f"v{n}", vendor="Northmoor")
    with django_assert_num_queries(10):
        page(client, ash)


def test_the_page_does_not_look_at_every_pair_of_snapshots(client, ash, django_assert_num_queries):
    rated(ash, make.benchmark())
    with django_assert_num_queries(9) as asked:
        page(client, ash)
    [sql] = [query["sql"] for query in asked.captured_queries if 'FROM "rating_rating"' in query["sql"]]
    assert sql.count('JOIN "rating_snapshot"') == 1 and "GROUP BY" not in sql


def test_the_whole_report_is_plain_data_with_its_deltas(ash):
    mmlu(ash, targets=TARGETS)
    rated(ash, make.benchmark())
    told = json.loads(json.dumps(report_of(ash).as_json()))
    assert told["scores"][0]["totals"][0]["delta"] == pytest.approx(-0.0469, abs=5e-5)
    assert (told["ratings"][0]["rating"], told["provenances"]) == (1010, ["imported", "real"])


def test_what_is_preliminary_follows_the_boards_own_recipe(ash):
    row = rated(ash, make.benchmark(), n=40)
    Snapshot.objects.filter(pk=row.snapshot_id).update(recipe={"few": 50})
    assert report_of(ash).ratings[0].preliminary


# --- failures for developers


def failures(client, model) -> list[dict]:
    response = client.get(reverse("model_failures", args=[model.pk]))
    assert response.status_code == 200, response.status_code
    return [json.loads(line) for line in b"".join(response.streaming_content).decode().splitlines()]


@pytest.fixture
def lead(client):
    client.force_login(make.person("lena", "lead"))
    return client


def test_failures_say_what_failed_by_whom_and_why(lead, ash):
    benchmark = make.benchmark()
    Answer.objects.create(question=make.question(benchmark, "q1"), model=ash, error="time out")
    short, whole = (
        make.answer(make.question(benchmark, key, "2 + 2?"), ash, "五", tokens_out=3) for key in ("q2", "q3")
    )
    short.save(), whole.save()
    make.grade(short, make.judge("sums"), score=5, reply="number: failed (5)", tokens_in=7)
    make.grade(whole, make.judge("sums"), score=10)
    make.grade(whole, make.llm_judge(), status="parse_error", error="no mark", reply="Hm.")
    answer, mark, judgment = failures(lead, ash)
    assert (answer["failed"], answer["question"], answer["reason"]) == ("answer", "q1", "time out")
    assert (mark["failed"], mark["judge"], mark["score"], mark["scale"]) == ("mark", "sums", 5, [1, 10])
    assert (mark["answer"], mark["asked"], mark["reply"], mark["tokens_out"]) == (
        ["五"],
        ["2 + 2?"],
        "number: failed (5)",
        3,
    )
    assert (judgment["failed"], judgment["status"], judgment["reason"], judgment["reply"]) == (
        "judgment",
        "parse_error",
        "no mark",
        "Hm.",
    )


def test_a_language_models_mark_fails_below_six_tenths_of_the_scale(lead, ash):
    benchmark, judge = make.benchmark(), make.llm_judge()
    for key, mark in (("q1", 6.3), ("q2", 6.5)):
        answer = make.answer(make.question(benchmark, key), ash)
        answer.save()
        make.grade(answer, judge, score=mark)
    assert [line["score"] for line in failures(lead, ash)] == [6.3]


def test_a_battle_in_which_both_were_called_bad_is_a_failure_of_either(lead, ash):
    benchmark = make.benchmark()
    for question in make.answered(benchmark, questions=2):
        make.preference(make.battle(question), value=0, both_bad=question.key == "q2", reply="Neither.")
    for name in ("Ash", "Birch"):
        [line] = failures(lead, make.model(name))
        assert (line["failed"], line["question"], line["reply"]) == ("both bad", "q2", "Neither.")


def test_another_models_failures_are_not_among_them(lead, ash):
    question = make.answered(make.benchmark())[0]
    make.grade(question.answers.get(model__name="Birch"), score=1)
    assert failures(lead, ash) == []


@pytest.mark.parametrize(("role", "status"), [("annotator", 403), ("viewer", 200), ("lead", 200), (None, 403)])
def test_failures_are_for_leads_and_viewers(client, ash, role, status):
    if role:
        client.force_login(make.person("someone", role))
    assert client.get(reverse("model_failures", args=[ash.pk])).status_code == status
    assert ("failures.jsonl" in page(client, ash).text) == (status == 200)


def test_a_viewer_learns_nothing_of_a_benchmark_that_people_vote_on(client, ash):
    question = make.answered(make.benchmark())[0]
    make.grade(question.answers.get(model=ash), score=1)
    make.run(question.benchmark, status=Run.Status.OPEN)
    client.force_login(make.person("vera", "viewer"))
    assert failures(client, ash) == [{"left_out": "pantry v1", "why": "people are voting on it"}]


def test_people_are_named_to_leads_alone(client, ash):
    question = make.answered(make.benchmark())[0]
    judge = make.judge("Mei Lin", kind="person", user=make.person("mei", "annotator"))
    make.grade(question.answers.get(model=ash), judge, score=1)
    client.force_login(make.person("vera", "viewer"))
    assert [line["judge"] for line in failures(client, ash)] == ["person 1"]
    client.force_login(make.person("lena", "lead"))
    assert [line["judge"] for line in failures(client, ash)] == ["Mei Lin"]
