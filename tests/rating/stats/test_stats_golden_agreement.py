"""Agreement on public sets against golden numbers made with scikit-learn, krippendorff, evalica and irrCAC."""

from collections import Counter

import numpy as np
import pytest

from rating.stats import (
    agree,
    alpha,
    cohen_kappa,
    consistency,
    fleiss_kappa,
    jackknife_error,
    pairwise_table,
    votes_by_item,
)

DIMENSIONS = ("coherence", "consistency", "fluency", "relevance")


@pytest.fixture(scope="module")
def summeval(data):
    """Expert votes as columns (item, judge, value 0..4, article) of one dimension, or of all."""
    items = {row["item"]: (number, row["doc"], row["dim"]) for number, row in enumerate(data("summeval/items"))}
    articles = {doc: number for number, doc in enumerate(dict.fromkeys(doc for _, doc, _ in items.values()))}
    votes = [row for row in data("summeval/votes") if row["kind"] == "human"]

    def columns(dimension=None):
        rows = [
            (number, int(vote["annotator"][1:]), vote["value"] - 1, articles[doc])
            for vote in votes
            for number, doc, dim in [items[vote["item"]]]
            if dimension in (None, dim)
        ]
        return np.array(rows).T

    return columns


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_of_summeval_pooled(summeval, golden_value, level):
    item, judge, value, _ = summeval()
    row = golden_value("summeval", f"krippendorff_alpha_{level} (3 experts, 4 dims pooled)")
    table = agree(item, judge, value, values=5, level=level)
    assert table.alpha == pytest.approx(row["value"], abs=1e-9)
    assert (table.n, table.judges, table.note) == (6400, 3, "")
    assert [table.low, table.high] == pytest.approx(row["ci95_item_bootstrap"], abs=2e-3)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_alpha_and_kappa_of_each_summeval_dimension(summeval, golden_value, dimension):
    item, judge, value, _ = summeval(dimension)
    for level in ("ordinal", "interval"):
        row = golden_value("summeval", f"krippendorff_alpha_{level} {dimension}")
        assert agree(item, judge, value, values=5, level=level).alpha == pytest.approx(row["value"], abs=1e-9)
    fleiss = agree(item, judge, value, values=5, weights="quadratic")
    assert fleiss.kappa == pytest.approx(golden_value("summeval", f"fleiss quadratic {dimension}")["value"], abs=1e-9)
    for pair in pairwise_table(item, judge, value, values=5, weights="quadratic"):
        row = golden_value("summeval", f"weighted kappa quadratic {dimension} e{pair.first}-e{pair.second}")
        assert pair.agreement.kappa == pytest.approx(row["value"], abs=1e-9)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_jackknife_errors_of_summeval_by_item_and_by_article(summeval, golden_value, dimension):
    item, _, value, article = summeval(dimension)
    by_item, by_article = golden_value("summeval", f"alpha ordinal {dimension}: value, bootstrap SE")["value"][2:4]
    found = jackknife_error(votes_by_item(item, value, values=5), level="ordinal")
    assert found == pytest.approx(by_item, abs=1e-9)
    clustered = votes_by_item(item, value, values=5, cluster=article)
    assert jackknife_error(clustered, level="ordinal") == pytest.approx(by_article, abs=1e-9)


def test_dices_with_123_raters_an_item(data, golden_value):
    codes = {"No": 0, "Unsure": 1, "Yes": 2}
    rows = [
        (v["item"], int(v["annotator"].removeprefix("pos")), codes[v["value"]])
        for v in data("dices_350_crowdsourced/votes")
    ]
    item, judge, value = np.array(rows).T
    table = agree(item, judge, value, values=3)
    assert table.alpha == pytest.approx(golden_value("dices_350_crowdsourced", "krippendorff_alpha")["value"], abs=1e-9)
    expected = golden_value("dices_350_crowdsourced", "gwet_ac1 / fleiss / percent agreement")["value"]
    assert [table.ac1, table.kappa, table.raw] == pytest.approx(expected, abs=1e-9)
    assert (table.n, table.judges) == (350, 123)
    assert jackknife_error(votes_by_item(item, value, values=3)) == pytest.approx(0.0114, abs=5e-5)


@pytest.fixture(scope="module")
def autoj(data):
    """Codes (n,) a, tie, b = 0, 1, 2: people, and Auto-J in both orders, by item."""
    code = {"a": 0, "tie": 1, "b": 2}
    by_item = {}
    for vote in data("auto_j/votes/votes"):
        source = "people" if vote["kind"] == "human" else vote["order"]
        by_item.setdefault(vote["item"], {})[source] = code[vote["value"]]
    return {source: np.array([votes[source] for votes in by_item.values()]) for source in ("people", "ab", "ba")}


def test_auto_j_against_people(autoj, golden_value):
    row = golden_value("autoj_pairwise", "cohen_kappa human-autoj (order ab) Overall")
    assert cohen_kappa(autoj["people"], autoj["ab"], 3) == pytest.approx(row["value"], abs=1e-9)
    items = np.arange(1392)
    table = agree(
        np.tile(items, 2), np.repeat([0, 1], 1392), np.concatenate([autoj["people"], autoj["ab"]]), values=3, tie=1
    )
    assert (table.kappa_kind, table.n) == ("cohen", 1392)
    assert table.kappa == pytest.approx(row["value"], abs=1e-9)
    assert table.ac1 == pytest.approx(row["gwet_ac1"], abs=1e-9)
    assert 100 * table.raw == pytest.approx(golden_value("autoj_pairwise", "agreement_single_order Overall")["value"])


def test_auto_j_in_both_orders(autoj, golden_value):
    row = golden_value("autoj_pairwise", "consistency Overall")
    share = consistency(1 - autoj["ab"], 1 - autoj["ba"])
    assert 100 * share.share == pytest.approx(row["value"])
    assert round(100 * share.share, 2) == row["published"]
    both = (autoj["ab"] == autoj["people"]) & (autoj["ba"] == autoj["people"])
    assert 100 * both.mean() == pytest.approx(golden_value("autoj_pairwise", "agreement_both_orders Overall")["value"])


@pytest.fixture(scope="module")
def crowd(data):
    """PRD: anonymous human votes as columns (item, vote number, a/tie/b code, question), three to an item."""
    items = {row["item"]: (number, row["question_id"]) for number, row in enumerate(data("prd_vicuna80/items"))}
    code = {"a": 0, "tie": 1, "b": 2}
    votes = [vote for vote in data("prd_vicuna80/votes") if vote["kind"] == "human"]
    return np.array([(*items[v["item"]][:1], v["rep"], code[v["value"]], items[v["item"]][1]) for v in votes]).T


def test_prd_people_by_item_and_by_question(crowd, golden_value):
    item, number, value, question = crowd
    row = golden_value("prd_vicuna80", "alpha nominal (humans): value")
    table = agree(item, number, value, values=3, tie=1, cluster=question)
    assert (table.n, table.alpha) == (row["n"], pytest.approx(row["value"][0], abs=1e-9))
    assert jackknife_error(votes_by_item(item, value, values=3)) == pytest.approx(row["value"][2], abs=1e-9)
    clustered = votes_by_item(item, value, values=3, cluster=question)
    assert jackknife_error(clustered) == pytest.approx(row["value"][3], abs=1e-9)


def test_prd_people_on_the_five_contestants(data, crowd, golden_value):
    names = {"gpt4", "claude", "gpt35", "bard", "vicuna-13b"}
    chosen = [n for n, row in enumerate(data("prd_vicuna80/items")) if {row["model_a"], row["model_b"]} <= names]
    item, number, value, _ = crowd[:, np.isin(crowd[0], chosen)]
    table = agree(item, number, value, values=3, tie=1)
    assert table.alpha == pytest.approx(golden_value("prd_vicuna80", "humans: krippendorff")["value"], abs=1e-9)
    for name, share, pairs in (("S1", table.raw, table.pairs), ("S2", table.raw_decided, table.pairs_decided)):
        row = golden_value("prd_vicuna80", f"human-human {name}")
        assert (share, pairs) == (pytest.approx(row["value"]), row["n"])


def test_prd_judges_are_as_consistent_as_recorded(data, golden_value):
    value = {"a": 1, "tie": 0, "b": -1}
    names = {"gpt4", "claude", "gpt35", "bard", "vicuna-13b"}
    contestants = {row["item"] for row in data("prd_vicuna80/items") if {row["model_a"], row["model_b"]} <= names}
    votes = [
        v
        for v in data("prd_vicuna80/votes")
        if v["kind"] == "llm" and v["item"] in contestants and v.get("rep", 1) == 1
    ]
    for judge in sorted(names):
        said = {(v["item"], v["order"]): value[v["value"]] for v in votes if v["annotator"] == judge}
        items = sorted(item for item, order in said if order == "ab")
        share = consistency([said[item, "ab"] for item in items], [said[item, "ba"] for item in items])
        golden = golden_value("prd_vicuna80", f"judge {judge}: position consistency")
        assert (share.share, share.n) == (pytest.approx(golden["value"][0]), golden["n"])


@pytest.mark.parametrize("level", ["interval", "ordinal"])
def test_wmt_segment_scores(data, golden_value, level):
    votes = [vote for vote in data("wmt_mqm23_sxs_ende/votes") if vote.get("rep", 1) == 1]
    marks, value = np.unique([vote["value"] for vote in votes], return_inverse=True)
    item = np.unique([str(vote["item"]) for vote in votes], return_inverse=True)[1]
    row = golden_value("wmt_mqm23_sxs_ende", f"krippendorff_alpha_{level} of segment MQM")
    found = alpha(votes_by_item(item, value, values=marks.size), level=level, marks=marks)
    assert found == pytest.approx(row["value"], abs=1e-9)


def test_faireval_people(shared, golden_value):
    lines = (shared / "data" / "faireval" / "review_gpt35_vicuna-13b_human.txt").read_text(encoding="utf-8").split()
    found = Counter(lines)
    assert [found[name] for name in ("CHATGPT", "TIE", "VICUNA13B")] == golden_value("faireval", "human label")["value"]


def test_fleiss_of_three_items_by_hand():
    """Agreeing on two items of three, with both values used alike: (2/3 - 1/2) / (1 - 1/2)."""
    assert fleiss_kappa(np.array([[2.0, 0], [0, 2], [1, 1]])) == pytest.approx(1 / 3)
