"""Snapshots: the record rated once and kept; the same record gives no second one, and any change gives the next."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from arena.models import Answer, Battle, Benchmark
from judging.models import Grade, Judge, Preference, Run
from judging.signals import judged as judged_signal
from rating import agreeing, data, snapshots, stats, tasks
from rating.models import Agreement, Leaderboard, Profile, Rating, Snapshot
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
MODELS = ("Ash", "Birch", "Cedar")


def judged(name: str = "pantry", *, questions: int = 12, **fields) -> Benchmark:
    """A benchmark of two categories on which two machines and a person judge: Ash beats Birch beats Cedar, mostly."""
    benchmark = make.benchmark(name, **fields)
    provenance = "demo" if benchmark.is_demo else "real"
    kinds = [make.category("cooking"), make.category("sums")]
    for n, question in enumerate(make.answered(benchmark, *MODELS, questions=questions)):
        question.category = kinds[n % 2]
        question.save()
        ordered = [question.answers.get(model__name=model) for model in MODELS]
        battles = Battle.objects.pair([(ordered[0], ordered[1]), (ordered[0], ordered[2]), (ordered[1], ordered[2])])
        for judge in (make.judge("fair"), make.judge("odd"), person()):
            for battle in battles:
                upset = (n + battle.pk + len(judge.name)) % 5 == 0
                make.preference(battle, judge, value=-1 if upset else 1, provenance=provenance)
        for place, answer in enumerate(ordered):
            make.grade(answer, make.judge("fair"), score=9 - 2 * place - n % 2, provenance=provenance)
    return benchmark


def person():
    return Judge.objects.filter(kind="person").first() or make.judge("ann", kind="person", user=make.person("ann"))


def test_a_snapshot_has_a_board_for_every_source_method_and_category():
    snapshot = snapshots.take(judged())
    held = set(snapshot.ratings.values_list("source", "method", "category__key"))
    sources = {"all", "people", "judges", "judge:fair", "judge:odd"}
    assert {(source, "bt", category) for source in sources for category in (None, "cooking", "sums")} <= held
    assert {(source, "elo", None) for source in sources} <= held and ("all", "score", "sums") in held
    best = snapshot.ratings.get(source="all", method="bt", category=None, rank=1)
    assert best.model.name == "Ash" and best.low < best.rating < best.high and best.rank_low == 1
    assert best.n == 72 and best.win_rate > 0.5 and best.weighted is not None
    assert (snapshot.n, snapshot.provenances, snapshot.excluded) == (144, ["real"], {})


def test_the_elo_of_all_votes_is_played_in_the_order_they_were_cast():
    benchmark = judged()
    snapshot = snapshots.take(benchmark)
    votes = list(
        Preference.objects.order_by("pk").values_list("battle__first__model", "battle__second__model", "value")
    )
    models = sorted({model for vote in votes for model in vote[:2]})
    first, second, value = (
        [models.index(vote[0]) for vote in votes],
        [models.index(vote[1]) for vote in votes],
        [vote[2] for vote in votes],
    )
    battles = stats.Battles(np.array(first), np.array(second), np.array(value, dtype=float), np.arange(len(votes)))
    expected = dict(zip(models, stats.online_elo(battles, 3, k=32.0), strict=True))
    found = dict(snapshot.ratings.filter(source="all", method="elo", category=None).values_list("model", "rating"))
    assert found == pytest.approx(expected)


def test_agreement_is_kept_with_the_snapshot_for_all_and_for_each_category():
    snapshot = snapshots.take(judged())
    told = set(snapshot.agreements.values_list("relation", "judges", "category__key"))
    for category in (None, "cooking", "sums"):
        assert {
            ("people", "people", category),
            ("people_judge", "people–fair", category),
            ("judges", "fair–odd", category),
        } <= told
    row = Agreement.objects.get(relation="people_judge", judges="people–fair", category=None, kind="preference")
    mine = {(p.battle_id, p.value) for p in Preference.objects.filter(judge__name="fair")}
    theirs = {(p.battle_id, p.value) for p in Preference.objects.filter(judge__kind="person")}
    assert row.n == 36 and row.raw == pytest.approx(len(mine & theirs) / 36)


def test_the_same_record_gives_the_same_snapshot():
    benchmark = judged()
    first = snapshots.take(benchmark)
    ratings = Rating.objects.count()
    assert snapshots.take(benchmark) == first and Snapshot.objects.count() == 1 and Rating.objects.count() == ratings


def test_a_vote_gives_the_next_snapshot_and_the_one_before_stays_as_it_was():
    benchmark = judged()
    first = snapshots.take(benchmark)
    before = list(first.ratings.order_by("pk").values())
    make.preference(Battle.objects.first(), make.judge("third"))
    second = snapshots.take(benchmark)
    assert second != first and second.digest != first.digest and second.n == first.n + 1
    assert list(first.ratings.order_by("pk").values()) == before and Leaderboard.objects.get().current == second


def test_a_vote_taken_back_is_gone_from_the_newest_snapshot():
    """The votes that count are then the same as at first, and the board must not go on showing the vote."""
    benchmark = judged()
    first = snapshots.take(benchmark)
    vote = make.preference(Battle.objects.first(), make.judge("third"))
    snapshots.take(benchmark)
    vote.superseded_at = timezone.now()
    vote.save()
    snapshots.take(benchmark)
    newest = Leaderboard.objects.get(benchmark=benchmark).current
    assert newest.n == first.n and newest.excluded == {"set aside": 1}
    assert not newest.ratings.filter(source="judge:third").exists()


def test_an_empty_record_has_no_snapshot():
    assert snapshots.take(make.benchmark()) is None and not Snapshot.objects.exists()


def test_a_demo_says_so_in_its_snapshot():
    snapshot = snapshots.take(judged(provenance="demo"))
    assert snapshot.is_demo and snapshot.provenances == ["demo"]


def test_weights_of_a_profile_make_the_total_and_another_snapshot():
    benchmark = judged()
    plain = snapshots.take(benchmark)
    Profile.objects.create(name="sums only", weights={"sums": 2})
    Leaderboard.objects.update(recipe={"profile": "sums only"})
    weighted = snapshots.take(benchmark)
    assert weighted != plain and weighted.recipe["weights"] == {"sums": 2}
    overall = weighted.ratings.get(source="all", method="bt", category=None, model__name="Ash")
    in_sums = weighted.ratings.get(source="all", method="bt", category__key="sums", model__name="Ash")
    assert overall.weighted == pytest.approx(in_sums.rating)


def test_taking_a_snapshot_takes_as_many_queries_for_few_judgments_as_for_many(django_assert_max_num_queries):
    counts = []
    for size in (4, 40):
        benchmark = judged(f"of {size}", questions=size)
        with django_assert_max_num_queries(78) as seen:
            snapshots.take(benchmark)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_the_refresh_looks_only_where_the_record_has_changed():
    benchmark, untouched = judged(), make.benchmark("cellar")
    tasks.refresh()
    assert Snapshot.objects.count() == 1 and not Leaderboard.objects.filter(benchmark=untouched).exists()
    board = Leaderboard.objects.get(benchmark=benchmark)
    assert board.seen == snapshots.now(board)
    Snapshot.objects.all().delete()
    tasks.refresh()
    assert not Snapshot.objects.exists(), "nothing has changed since the last look"
    make.preference(Battle.objects.first(), make.judge("third"))
    tasks.refresh()
    assert Snapshot.objects.count() == 1


def test_while_votes_come_in_a_board_rests_between_two_snapshots():
    benchmark = judged()
    tasks.refresh()
    make.preference(Battle.objects.first(), make.judge("third"))
    tasks.refresh()
    assert Snapshot.objects.count() == 1
    Snapshot.objects.update(created_at=timezone.now() - tasks.PAUSE)
    tasks.refresh()
    assert Snapshot.objects.count() == 2
    assert set(Snapshot.objects.values_list("passing", flat=True)) == {True}
    assert snapshots.take(benchmark).passing is False, "a snapshot that somebody asked for stays"


def test_passing_snapshots_are_thinned_to_one_an_hour_after_a_day():
    benchmark = judged()
    day = timezone.now().replace(minute=0, second=0, microsecond=0) - snapshots.KEPT - timedelta(hours=3)
    kept = snapshots.take(benchmark)
    for minute in range(0, 90, 10):
        made = Snapshot.objects.create(leaderboard=kept.leaderboard, digest=f"{minute:064}", n=1, passing=True)
        Snapshot.objects.filter(pk=made.pk).update(created_at=day + timedelta(minutes=minute))
    assert snapshots.thin(Leaderboard.objects.get()) == 7
    left = Snapshot.objects.filter(passing=True).order_by("created_at").values_list("created_at", flat=True)
    assert [made - day for made in left] == [timedelta(minutes=50), timedelta(minutes=80)]
    assert Leaderboard.objects.get().current == kept


def test_a_recipe_that_goes_back_finds_its_own_snapshot_again():
    benchmark = judged()
    plain = snapshots.take(benchmark)
    Profile.objects.create(name="sums only", weights={"sums": 2})
    Leaderboard.objects.update(recipe={"profile": "sums only"})
    tasks.refresh()
    Snapshot.objects.update(created_at=timezone.now() - tasks.PAUSE)
    tasks.refresh()
    assert Leaderboard.objects.get().current != plain
    Leaderboard.objects.update(recipe={})
    Snapshot.objects.update(created_at=timezone.now() - tasks.PAUSE)
    tasks.refresh()
    assert Leaderboard.objects.get().current == plain


def test_when_every_vote_is_taken_back_the_board_is_empty_again():
    benchmark = judged(questions=1)
    assert snapshots.take(benchmark)
    for table in (Preference, Grade):
        table.objects.update(superseded_at=timezone.now())
    assert snapshots.take(benchmark) is None
    assert Leaderboard.objects.get(benchmark=benchmark).current is None


def test_rating_holds_no_lock_while_it_computes(monkeypatch):
    """A vote must not wait for arithmetic: everything is computed before the transaction that writes."""
    seen = []
    original = snapshots.ratings.boards

    def watched(*arguments):
        seen.append(len(connection.savepoint_ids))
        return original(*arguments)

    monkeypatch.setattr(snapshots.ratings, "boards", watched)
    before = len(connection.savepoint_ids)
    snapshots.take(judged())
    assert seen == [before]


def test_only_the_end_of_a_run_asks_for_a_snapshot(monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.rate, "delay", asked.append)
    benchmark = judged()
    run = make.run(benchmark, *MODELS)
    for status in Run.Status.values:
        run.status = status
        judged_signal.send(sender=Run, run=run)
    assert asked == [benchmark.pk] * 3


def test_style_is_held_equal_and_what_it_is_worth_is_kept_with_the_snapshot(client):
    """Birch writes more at random, and the longer answer wins most of the time: that is style and not strength."""
    benchmark, draw = make.benchmark(), random.Random(4)
    for question in make.answered(benchmark, *MODELS[:2], questions=80):
        ash, birch = question.answers.order_by("pk")
        ash.length, birch.length = draw.randint(100, 900), draw.randint(100, 1300)
        for answer in (ash, birch):
            answer.headers, answer.lists, answer.bold = draw.randint(0, 3), draw.randint(0, 9), draw.randint(0, 5)
            answer.save()
        longer = 1 if ash.length > birch.length else -1
        make.preference(
            Battle.objects.pair([(ash, birch)])[0], person(), value=longer if draw.random() < 0.85 else -longer
        )
    snapshot = snapshots.take(benchmark)
    plain, held = (
        {row.model.name: row for row in snapshot.ratings.filter(source="all", method=method, category=None)}
        for method in ("bt", "style")
    )
    assert plain["Birch"].rating > plain["Ash"].rating + 50
    assert held["Birch"].rating < plain["Birch"].rating - 50 and held["Birch"].high > 1000, "equal but for style"
    (told,) = [
        row for row in snapshot.details if (row["source"], row["method"], row["category"]) == ("all", "style", None)
    ]
    worth = {row["feature"]: row for row in told["style"]}
    assert set(worth) == {"length", "headers", "lists", "bold"} and worth["length"]["low"] > 1.5
    page = client.get(f"/leaderboard/{benchmark.pk}/?method=style").content.decode()
    assert "What style is worth" in page and f"×{worth['length']['odds_ratio']:.2f}" in page


def test_without_a_known_style_there_is_no_such_board():
    benchmark = judged()
    Answer.objects.update(length=None)
    assert not snapshots.take(benchmark).ratings.filter(method="style").exists()


def test_votes_on_answers_of_unknown_style_are_left_out_of_the_style_board_and_that_is_said():
    benchmark = judged()
    Answer.objects.filter(question__key="q1").update(bold=None)
    snapshot = snapshots.take(benchmark)
    row = snapshot.ratings.get(source="all", method="style", category=None, model__name="Ash")
    assert (
        row.n == 66
        and {"source": "all", "method": "style", "category": None, "language": "", "note": "style_unknown"}
        in snapshot.notes
    )


def test_a_recipe_names_the_methods_and_the_features_it_wants():
    benchmark = judged()
    Leaderboard.objects.create(benchmark=benchmark, recipe={"methods": ["bt", "style"], "style": ["length"]})
    snapshot = snapshots.take(benchmark)
    assert set(snapshot.ratings.values_list("method", flat=True)) == {"bt", "style"}
    told = next(row for row in snapshot.details if row["method"] == "style")
    assert [row["feature"] for row in told["style"]] == ["length"]


def test_judges_make_the_intervals_of_people_narrower_and_people_decide_where_they_lie(client):
    benchmark, draw = make.benchmark(), random.Random(1)
    for place, question in enumerate(make.answered(benchmark, *MODELS, questions=160)):
        answers = list(question.answers.order_by("pk"))
        for first, second in ((0, 1), (0, 2), (1, 2)):
            battle = Battle.objects.pair([(answers[first], answers[second])])[0]
            said = 1 if draw.random() < 0.6 else -1
            make.preference(battle, make.judge("fair"), value=said)
            if place % 4 == 0:
                make.preference(battle, person(), value=said if draw.random() < 0.9 else -said)
    snapshot = snapshots.take(benchmark)
    people, helped = (
        {row.model.name: row for row in snapshot.ratings.filter(source=source, method="bt", category=None)}
        for source in ("people", "calibrated")
    )
    assert {name: row.n for name, row in helped.items()} == {name: row.n for name, row in people.items()}
    for name, row in helped.items():
        assert row.high - row.low < 0.95 * (people[name].high - people[name].low)
    (told,) = [row for row in snapshot.details if row["source"] == "calibrated" and row["category"] is None]
    numbers = told["calibrated"]
    assert (numbers["votes"], numbers["paired"], numbers["judged"]) == (120, 120, 480)
    assert 0 < numbers["weight"] <= 1 and numbers["equivalent_votes"] > 120
    page = client.get(f"/leaderboard/{benchmark.pk}/?source=calibrated").content.decode()
    assert f"120 people’s votes count as {numbers['equivalent_votes']:.0f} here" in page


def test_the_same_input_gives_the_same_bytes():
    benchmark = judged(questions=30)
    kept = []
    for _ in range(2):
        snapshot = snapshots.take(benchmark)
        rows = snapshot.ratings.order_by("source", "method", "category", "model")
        agreed = snapshot.agreements.order_by("kind", "relation", "judges", "category")
        kept.append((
            snapshot.digest, snapshot.notes, snapshot.details,
            list(rows.values_list("source", "method", "category", "model", *snapshots.NUMBERS)),
            list(agreed.values_list("judges", "n", "raw", "kappa", "alpha", "low", "high")),
        ))  # fmt: skip
        snapshot.delete()
    assert repr(kept[0]) == repr(kept[1])


def test_whatever_changes_the_result_changes_the_digest():
    benchmark = judged()
    digests = [snapshots.take(benchmark).digest]
    for change in (
        lambda: Answer.objects.filter(question__key="q1").update(length=5000),
        lambda: Judge.objects.filter(name="fair").update(name="just"),
        lambda: Preference.objects.update(provenance="imported"),
        lambda: Leaderboard.objects.update(recipe={"style": ["length"]}),
    ):
        change()
        digests.append(snapshots.take(benchmark).digest)
    assert len(set(digests)) == 5


def test_many_judges_on_few_of_many_items_each_need_no_table_of_all(monkeypatch):
    """The last words of each, found by both ways of looking."""
    draw = np.random.default_rng(5)
    item, judge = draw.integers(0, 3000, 900), draw.integers(0, 2000, 900)
    item[-3:], judge[-3:] = item[:3], judge[:3]
    table = data.Votes(
        **dict.fromkeys(("first", "second", "value", "shown", "cluster", "category", "person", "turn"), np.zeros(900)),
        item=item,
        judge=judge,
    )
    kept = agreeing.last_words(table)
    assert len(kept) == len({*zip(item.tolist(), judge.tolist(), strict=True)})
    assert (kept.item[-3:] == item[-3:]).all()
