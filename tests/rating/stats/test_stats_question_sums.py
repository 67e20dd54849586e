"""Sums by question: two routes, one answer, and that answer written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.stats import question_sums as module
from rating.stats.question_sums import question_sums

quick = settings(max_examples=40, database=None)


def make_columns(*, n, models, questions, seed):
    random = np.random.default_rng(seed)
    first = random.integers(0, models, n)
    second = (first + random.integers(1, models, n)) % models
    # some questions have many battles and most have few
    cluster = np.minimum(random.integers(0, questions, n), random.integers(0, questions, n))
    ahead, behind = random.normal(size=(2, n))
    return first, second, cluster, lambda rows: (ahead[rows], behind[rows])


def written_out(first, second, cluster, scores, models):
    ahead, behind = scores(slice(None))
    names = sorted(set(cluster.tolist()))
    table, met = np.zeros((len(names), models)), np.zeros((len(names), models), dtype=bool)
    for row, question in enumerate(cluster.tolist()):
        for model, score in ((first[row], ahead[row]), (second[row], behind[row])):
            table[names.index(question), model] += score
            met[names.index(question), model] = True
    return table.T @ table, met.sum(axis=0), len(names)


@quick
@given(
    st.integers(0, 120),
    st.sampled_from([2, 5, 90]),
    st.sampled_from([1, 7, 60]),
    st.integers(0, 9999),
    st.sampled_from([3, 1 << 17]),
)
def test_both_routes_give_what_is_written_out(n, models, questions, seed, rows):
    first, second, cluster, scores = make_columns(n=n, models=models, questions=questions, seed=seed)
    moments, seen, total = written_out(first, second, cluster, scores, models)
    reach = 1 + int(cluster.max(initial=-1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ROWS", rows)
        for route in (module._by_table, module._by_pairs):
            found = route(first, second, cluster, reach=reach, models=models, scores=scores)
            assert found.moments == pytest.approx(moments, abs=1e-9)
            assert found.seen.tolist() == seen.tolist()
            assert found.total == total


def test_question_numbers_may_be_anything():
    first, second, cluster, scores = make_columns(n=500, models=6, questions=80, seed=3)
    plain = question_sums(first, second, cluster, models=6, scores=scores)
    far = question_sums(first, second, cluster * 10**12 + 7, models=6, scores=scores)
    assert far.moments == pytest.approx(plain.moments)
    assert (far.total, far.seen.tolist()) == (plain.total, plain.seen.tolist())


def test_many_small_questions_take_the_route_without_a_table(monkeypatch):
    first, second, cluster, scores = make_columns(n=4000, models=40, questions=3900, seed=4)
    by_table = question_sums(first, second, cluster, models=40, scores=scores)
    monkeypatch.setattr(module, "_CELLS", 1000)
    by_pairs = question_sums(first, second, cluster, models=40, scores=scores)
    assert by_pairs.moments == pytest.approx(by_table.moments, abs=1e-9)
    assert by_pairs.seen.tolist() == by_table.seen.tolist()
