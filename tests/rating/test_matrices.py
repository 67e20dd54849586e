"""Who met whom and who won: the same from the standing counts as from the record, and as pages a reader gets."""

import re

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from judging.models import Preference
from rating import counting, data, matrices, matrix_table, snapshots, stats
from rating.models import Leaderboard, PairCount
from tests.judging import recorded
from tests.rating import make
from tests.rating.test_snapshots import judged

pytestmark = pytest.mark.django_db


def told(met: matrices.Met) -> dict:
    """Battles, ties and shares by pair of models, without pairs that never met."""
    there = np.argwhere(met.n > 0)
    return {
        (met.models[row], met.models[other]): (met.n[row, other], met.ties[row, other], round(met.share[row, other], 3))
        for row, other in there
    }


def test_counts_that_stand_say_what_the_record_says_for_every_source():
    benchmark = judged(questions=12)
    snapshot = snapshots.take(benchmark)
    snapshot.refresh_from_db()
    standing = matrices.Standing.of(benchmark)
    assert set(matrices.kept_sources(snapshot)) == set(standing.sources)
    for source in standing.sources:
        kept = told(matrices.kept(snapshot, source))
        assert kept and kept == told(standing.met(source)), source


def test_the_categories_of_the_counts_add_up_to_all_of_them():
    benchmark = judged(questions=12)
    counting.catch_up()
    standing = matrices.Standing.of(benchmark)
    parts = [standing.met("all", category=category).n.sum() for category in standing.categories]
    assert sum(parts) == standing.met("all").n.sum() > 0


def test_what_one_wins_the_other_loses():
    met = three()
    fractions = matrices.fractions(met, ties=True, level=0.95)
    there = met.n > 0
    assert np.allclose((fractions.value + fractions.value.T)[there], 1.0)
    assert np.allclose((fractions.low + fractions.high.T)[there], 1.0)


def three() -> matrices.Met:
    """M0 beat M1 in 6 of 10 with 2 ties, and never met M2, who beat M1 in 1 of 1."""
    n = np.array([[0, 10, 0], [10, 0, 1], [0, 1, 0]], dtype=float)
    ties = np.array([[0, 2, 0], [2, 0, 0], [0, 0, 0]], dtype=float)
    share = np.array([[0, 7, 0], [3, 0, 0], [0, 1, 0]], dtype=float)
    return matrices.Met([10, 11, 12], n, ties, share)


def test_a_tie_is_half_a_win_or_no_battle_at_all_and_who_never_met_has_no_fraction():
    with_ties, without = (matrices.fractions(three(), ties=ties, level=0.95) for ties in (True, False))
    assert with_ties.value[0, 1] == 0.7 and with_ties.n[0, 1] == 10
    assert without.value[0, 1] == 0.75 and without.n[0, 1] == 8
    assert np.isnan(with_ties.value[0, 2]) and np.isnan(without.low[0, 2])
    low, high = stats.wilson(7, 10)
    assert (with_ties.low[0, 1], with_ties.high[0, 1]) == (low, high)


def test_a_source_with_the_same_rows_is_kept_once():
    benchmark = judged(questions=4)
    Preference.objects.filter(judge__name__in=["odd", "ann"]).delete()
    kept = matrices.matrix_of(data.read(benchmark))["sources"]
    assert set(kept) == {"all", "judges", "judge:fair"} and kept["judges"] == kept["judge:fair"] == "=all"


def test_two_hundred_models_take_little_room_in_a_snapshot():
    random = np.random.default_rng(6)
    pairs = 200 * 199 // 2
    n = random.integers(1, 40, pairs)
    columns = np.stack([n, random.binomial(n, 0.2), random.integers(0, n + 1) * matrices.FINE]).astype(float)
    packed = matrices._packed(columns)
    assert len(packed) < 120_000 and np.array_equal(matrices._unpacked(packed), columns)


def counted(count: int = 3, *, battles: int = 10):
    """A current snapshot of a board with `count` models, everybody having met everybody, by people and a judge."""
    snapshot = make.board(count)
    models = [row.model for row in snapshot.ratings.filter(category=None).select_related("model").order_by("rank")]
    category = snapshot.ratings.exclude(category=None).order_by("category__position").first().category
    rubric = recorded.rubric()
    judge = make.judge("fair")
    PairCount.objects.bulk_create(
        PairCount(
            benchmark=snapshot.leaderboard.benchmark, category=category.pk, rubric=rubric.pk, judge=who,
            first=one.pk, second=other.pk, n=battles, ties=2, share=7, squares=6,
        )
        for who in (counting.PEOPLE, judge.pk)
        for place, one in enumerate(models)
        for other in models[place + 1 :]
    )  # fmt: skip
    snapshot.leaderboard.refresh_from_db()
    return snapshot, models, category


def page(client, snapshot, **query) -> str:
    response = client.get(reverse("matrix", args=[snapshot.pk]), query)
    assert response.status_code == 200
    return response.text


def cells(html: str) -> list[str]:
    """The words of every cell but heads, row by row."""
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", body, re.DOTALL)]


def test_a_cell_says_n_and_leads_to_its_battles(client):
    snapshot, models, category = counted(2)
    html = page(client, snapshot)
    assert cells(html)[2].startswith("20")
    address = f"{reverse('record')}?benchmark={snapshot.leaderboard.benchmark_id}&amp;one={models[0].pk}&amp;other={models[1].pk}"
    assert f'href="{address}"' in html
    assert f'href="{address}&amp;category={category.key}"' in page(client, snapshot, category=category.key)


def test_who_never_met_has_a_blank_cell_and_never_0(client):
    snapshot, models, _category = counted(3)
    PairCount.objects.filter(first=models[0].pk, second=models[2].pk).delete()
    for kind in ("battles", "wins", "nontied"):
        found = cells(page(client, snapshot, of=kind))
        assert found.count("") == 5 and "0" not in found and "0%" not in found


@pytest.mark.parametrize(("kind", "share", "n"), [("wins", "70%", "n 20"), ("nontied", "75%", "n 16")])
def test_a_win_fraction_says_its_interval_in_words(client, kind, share, n):
    snapshot, *_ = counted(2)
    html = page(client, snapshot, of=kind)
    assert cells(html)[2].startswith(share) and n in cells(html)[2]
    assert "between " in cells(html)[2] and f"n = {n[2:]}" in html


def test_votes_of_people_and_of_one_judge_are_tables_of_their_own(client):
    snapshot, *_ = counted(2)
    for source in ("people", "judges", "judge:fair"):
        assert cells(page(client, snapshot, source=source))[2].startswith("10"), source
    assert "No battles for this choice" in page(client, snapshot, source="judge:nobody")


def test_only_so_many_models_are_shown_at_once_and_every_pair_can_be_reached(client):
    snapshot, *_ = counted(matrix_table.PAGE + 2)
    html = page(client, snapshot)
    assert html.count("matrix__column") == matrix_table.PAGE and "31–32" in html
    corner = page(client, snapshot, rows=2, columns=1)
    assert corner.count('<th scope="row">') == 2 and corner.count("matrix__column") == matrix_table.PAGE


def test_the_page_reads_no_vote_and_costs_the_same_for_40_models_and_for_3(client):
    snapshot, models, _category = counted(40)
    costs = []
    for few in (models, models[:3]):
        PairCount.objects.exclude(first__in=[one.pk for one in few], second__in=[one.pk for one in few]).delete()
        with CaptureQueriesContext(connection) as seen:
            assert f"{len(few)} models" in page(client, snapshot, of="wins")
        costs.append(len(seen))
        assert not any(Preference._meta.db_table in query["sql"] for query in seen)
    assert costs[0] == costs[1] <= 12


def test_an_older_snapshot_shows_what_it_kept(client):
    benchmark = judged(questions=12)
    old = snapshots.take(benchmark)
    Leaderboard.objects.update(current=None)
    html = page(client, old)
    assert "As this snapshot kept it" in html and "by category there are counts for the newest one only" in html
    whole = matrices.Standing.of(benchmark).met("all").n.sum() / 2
    assert f"· {whole:.0f} battles" in html


def test_a_snapshot_from_before_says_that_it_kept_none(client):
    snapshot = make.board(2)
    Leaderboard.objects.update(current=None)
    assert "Not kept with this snapshot" in page(client, snapshot)


@pytest.mark.parametrize("query", [{"of": "losses"}, {"category": "nowhere"}])
def test_what_there_is_not_is_not_found(client, query):
    assert client.get(reverse("matrix", args=[make.board(2).pk]), query).status_code == 404


@pytest.mark.parametrize("query", [{"rows": "99"}, {"rows": "x"}, {"columns": "-1"}, {"rows": "9" * 40}])
def test_a_page_there_is_not_is_the_first(client, query):
    snapshot, *_ = counted(2)
    assert len(cells(page(client, snapshot, **query))) == 6


def test_the_name_of_a_model_stays_text(client):
    snapshot, models, _ = counted(2)
    type(models[0]).objects.filter(pk=models[0].pk).update(name="<b onclick=alert(1)>M")
    html = page(client, snapshot, of="wins")
    assert "<b onclick" not in html and "&lt;b onclick" in html
