"""Agreement on public sets against golden numbers made with scikit-learn, krippendorff, evalica and irrCAC."""

from collections import Counter, defaultdict
from itertools import combinations
from statistics import mean

import numpy as np
import pytest
from test_stats_golden_judges import COVERED as COVERED_BY_JUDGES

from rating.stats.agreement import agree, pairwise_table
from rating.stats.bias import consistency, share_of
from rating.stats.icc import icc
from rating.stats.kappa import ac1, ac2, cohen_kappa, fleiss_kappa, scott_pi
from rating.stats.krippendorff import alpha, jackknife_error, votes_by_item
from rating.stats.pairwise import pairwise_kappa
from rating.stats.rank_agreement import rank_agreement

DIMENSIONS = ("coherence", "consistency", "fluency", "relevance")
GROUPS = (
    "Summarization",
    "Exam Questions",
    "Code",
    "Rewriting",
    "Creative Writing",
    "Functional Writing",
    "General Communication",
    "NLP Tasks",
    "Overall",
)
MACHINES = ("gpt-4o", "gpt-4o-mini", "gemini_pro", "gemini_flash", "llama-31", "mistral-v03")
JUDGES = ("gpt4", "claude", "gpt35", "bard", "vicuna-13b")

COVERED = (
    "autoj_pairwise|agreement_both_orders",
    "autoj_pairwise|consistency",
    "autoj_pairwise|agreement_single_order",
    "autoj_pairwise|cohen_kappa",
    "summeval|krippendorff_alpha_nominal",
    "summeval|krippendorff_alpha_ordinal",
    "summeval|krippendorff_alpha_interval",
    "summeval|ICC(",
    "summeval|gwet_ac2 quadratic",
    "summeval|fleiss quadratic",
    "summeval|weighted kappa quadratic",
    "summeval|judge ",
    "summeval|alpha ordinal",
    "summeval|ordinal alpha",
    "dices_350_crowdsourced|krippendorff_alpha_nominal",
    "dices_350_crowdsourced|gwet_ac1 / fleiss",
    "dices_350_crowdsourced|fleiss_kappa",
    "prd_vicuna80|humans: krippendorff",
    "prd_vicuna80|human-human",
    "prd_vicuna80|judge-judge kappa matrix",
    "prd_vicuna80|alpha nominal (humans)",
    "wmt_mqm23_sxs_ende|krippendorff_alpha",
    "wmt_mqm23_sxs_ende|rater-rater Kendall",
    "paradox|",
    "faireval|human label",
)
"""The lines of the agreement file that this module checks, as dataset|start of the metric."""

NOT_REPRODUCED = {
    "summeval|krippendorff_alpha_ratio": "the ratio level is not offered: grades have no true zero",
    "simulation|": "coverage over draws that are not kept; the slow tests here simulate their own",
    "dices_350_crowdsourced|350 items, r votes an item": "random draws of r votes that are not kept; all 123 are checked",
    "dices_350_crowdsourced|the same 1050 votes": "random draws that are not kept",
    "faireval|LLMBar Processed": "LLMBar's copy of the set is not among the data",
    "faireval|GPT-4/Vanilla_NoRules": "LLMBar's outputs of the judge are not among the data",
}
"""The lines that no test reproduces, and why."""


def test_every_golden_line_is_checked_or_says_why_not(gold):
    lines = [f"{row['dataset']}|{row['metric']}" for row in gold("agreement.json")]
    told = (*COVERED, *COVERED_BY_JUDGES, *NOT_REPRODUCED)
    assert [line for line in lines if not line.startswith(told)] == []
    assert [start for start in told if not any(line.startswith(start) for line in lines)] == []


def test_no_line_is_both_checked_and_excused(gold):
    lines = [f"{row['dataset']}|{row['metric']}" for row in gold("agreement.json")]
    excused = [line for line in lines if line.startswith(tuple(NOT_REPRODUCED))]
    assert [line for line in excused if line.startswith((*COVERED, *COVERED_BY_JUDGES))] == []
    assert len(excused) == 26


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
def test_intraclass_correlation_and_ac2_of_each_summeval_dimension(summeval, golden_value, dimension):
    item, judge, value, _ = summeval(dimension)
    found = icc(item, judge, value)
    for name, number in (("ICC(2,1)", found.single), ("ICC(2,k)", found.mean), ("ICC(1,1)", found.one_way)):
        assert number == pytest.approx(golden_value("summeval", f"{name} {dimension}")["value"], abs=1e-9)
    assert (found.items, found.judges, found.left_out, found.note) == (1600, 3, 0, "")
    assert found.low < found.single < found.high < found.mean_high
    counts = votes_by_item(item, value, values=5).kinds
    row = golden_value("summeval", f"gwet_ac2 quadratic {dimension}")
    assert ac2(counts.counts, times=counts.times) == pytest.approx(row["value"], abs=1e-9)


@pytest.mark.parametrize("dimension", ["coherence", "consistency"])
def test_a_distance_that_is_not_ordinal_gives_another_number(summeval, golden_value, dimension):
    """|a - b| called ordinal, as other tools have it: the golden line keeps the right number and the wrong one."""
    item, judge, value, _ = summeval(dimension)
    right, wrong = golden_value("summeval", f"ordinal alpha {dimension}")["value"]
    assert agree(item, judge, value, values=5, level="ordinal").alpha == pytest.approx(right, abs=1e-9)
    pairs = votes_by_item(item, value, values=5).kinds.coincidences()
    apart = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    margin = pairs.sum(axis=1)
    naive = 1 - (margin.sum() - 1) * (pairs * apart).sum() / (margin @ apart @ margin)
    assert naive == pytest.approx(wrong, abs=1e-9)


@pytest.fixture(scope="module")
def graded(data):
    """By dimension: the system of each item, the mean grade of the experts (n,), and that of each machine."""
    items = {row["item"]: row for row in data("summeval/items")}
    marks = defaultdict(lambda: defaultdict(dict))
    for vote in data("summeval/votes"):
        marks[items[vote["item"]]["dim"]][vote["annotator"]][vote["item"]] = vote["value"]

    def columns(dimension):
        of = marks[dimension]
        names = sorted(of["e0"])
        people = np.mean([[of[f"e{k}"][name] for name in names] for k in range(3)], axis=0)
        machines = {machine: np.array([of[machine][name] for name in names]) for machine in MACHINES}
        return np.array([items[name]["system"] for name in names]), people, machines

    return columns


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_each_summeval_machine_orders_items_and_systems(graded, golden_value, dimension):
    system, people, machines = graded(dimension)
    names = np.unique(system)
    boards = [[column[system == name].mean() for name in names] for column in (people, *machines.values())]
    for machine, board in zip(MACHINES, boards[1:], strict=True):
        golden = golden_value("summeval", f"judge {machine} {dimension}")["value"]
        by_item, by_system = rank_agreement(people, machines[machine]), rank_agreement(boards[0], board)
        correlation = np.corrcoef(people, machines[machine])[0, 1]
        apart = np.abs(people - machines[machine]).mean()
        found = [by_item.rho, by_item.tau, correlation, by_system.tau, by_system.rho, apart]
        assert found == pytest.approx(golden, abs=1e-9)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_jackknife_errors_of_summeval_by_item_and_by_article(summeval, golden_value, dimension):
    item, _, value, article = summeval(dimension)
    by_item, by_article = golden_value("summeval", f"alpha ordinal {dimension}: value, bootstrap SE")["value"][2:4]
    found = jackknife_error(votes_by_item(item, value, values=5), level="ordinal")
    assert found == pytest.approx(by_item, abs=1e-9)
    clustered = votes_by_item(item, value, values=5, cluster=article)
    assert jackknife_error(clustered, level="ordinal") == pytest.approx(by_article, abs=1e-9)


@pytest.fixture(scope="module")
def dices(data):
    """Columns (item, place in the list of votes, value)."""
    codes = {"No": 0, "Unsure": 1, "Yes": 2}
    votes = data("dices_350_crowdsourced/votes")
    return np.array([(v["item"], int(v["annotator"].removeprefix("pos")), codes[v["value"]]) for v in votes]).T


def test_dices_with_123_raters_an_item(dices, golden_value):
    table = agree(*dices, values=3)
    row = golden_value("dices_350_crowdsourced", "krippendorff_alpha")
    assert table.alpha == pytest.approx(row["value"], abs=1e-9)
    assert [table.low, table.high] == pytest.approx(row["ci95_item_bootstrap"], abs=2e-3)
    expected = golden_value("dices_350_crowdsourced", "gwet_ac1 / fleiss / percent agreement")["value"]
    assert [table.ac1, table.kappa, table.raw] == pytest.approx(expected, abs=1e-9)
    assert table.kappa == pytest.approx(golden_value("dices_350_crowdsourced", "fleiss_kappa")["value"], abs=1e-9)
    assert (table.n, table.judges) == (350, 123)


def test_dices_with_all_votes_of_an_item(golden_value, dices):
    votes = votes_by_item(dices[0], dices[2], values=3)
    found = [round(alpha(votes), 4), round(jackknife_error(votes), 4)]
    assert found == golden_value("dices_350_crowdsourced", "350 items, r votes an item")["value"]["123"]


@pytest.fixture(scope="module")
def autoj(data):
    """By group of scenarios: codes (n,) a, tie, b = 0, 1, 2 of people, and of Auto-J in both orders, by item."""
    code = {"a": 0, "tie": 1, "b": 2}
    by_item = {}
    for vote in data("auto_j/votes/votes"):
        source = "people" if vote["kind"] == "human" else vote["order"]
        by_item.setdefault(vote["item"], {})[source] = code[vote["value"]]
    group = {row["item"]: row["group"] for row in data("auto_j/votes/items")}

    def columns(name):
        chosen = [votes for item, votes in by_item.items() if name in ("Overall", group[item])]
        return {source: np.array([votes[source] for votes in chosen]) for source in ("people", "ab", "ba")}

    return columns


@pytest.mark.parametrize("group", GROUPS)
def test_auto_j_against_people(autoj, golden_value, group):
    said = autoj(group)
    row = golden_value("autoj_pairwise", f"cohen_kappa human-autoj (order ab) {group}")
    assert cohen_kappa(said["people"], said["ab"], 3) == pytest.approx(row["value"], abs=1e-9)
    n = row["n"]
    table = agree(
        np.tile(np.arange(n), 2), np.repeat([0, 1], n), np.concatenate([said["people"], said["ab"]]), values=3, tie=1
    )
    assert (table.kappa_kind, table.n) == ("cohen", n)
    assert table.kappa == pytest.approx(row["value"], abs=1e-9)
    assert table.ac1 == pytest.approx(row["gwet_ac1"], abs=1e-9)
    single = golden_value("autoj_pairwise", f"agreement_single_order {group} (%)")
    assert 100 * table.raw == pytest.approx(single["value"])
    assert 100 * table.raw == pytest.approx(single["published"], abs=0.005)


@pytest.mark.parametrize("group", GROUPS)
def test_auto_j_in_both_orders(autoj, golden_value, group):
    said = autoj(group)
    row = golden_value("autoj_pairwise", f"consistency {group} (%)")
    share = consistency(1 - said["ab"], 1 - said["ba"])
    assert (100 * share.share, share.n) == (pytest.approx(row["value"]), row["n"])
    assert 100 * share.share == pytest.approx(row["published"], abs=0.005)
    both = share_of((said["ab"] == said["people"]) & (said["ba"] == said["people"]))
    row = golden_value("autoj_pairwise", f"agreement_both_orders {group} (%)")
    assert 100 * both.share == pytest.approx(row["value"])
    assert [100 * both.low, 100 * both.high] == pytest.approx(row["wilson95"])
    assert 100 * both.share == pytest.approx(row["published"], abs=0.005)


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


def test_prd_judges_beside_each_other_in_one_matrix(data, golden_value):
    items = {row["item"]: n for n, row in enumerate(data("prd_vicuna80/items"))
             if {row["model_a"], row["model_b"]} <= set(JUDGES)}  # fmt: skip
    code = {"a": 0, "tie": 1, "b": 2}
    said = defaultdict(dict)
    for vote in data("prd_vicuna80/votes"):
        if vote["kind"] == "llm" and vote["item"] in items and vote.get("rep", 1) == 1:
            said[items[vote["item"]], JUDGES.index(vote["annotator"])][vote["order"]] = code[vote["value"]]
    rows = [(*seat, both["ab"] if both["ab"] == both["ba"] else 1) for seat, both in said.items()]
    found = pairwise_kappa(*np.array(rows).T, values=3)
    golden = golden_value("prd_vicuna80", "judge-judge kappa matrix")["value"]
    assert tuple(golden["judges"]) == JUDGES
    assert found.kappa == pytest.approx(np.array(golden["kappa"]), abs=5e-7)
    assert (found.n == 800).all()


def test_wmt_raters_order_systems_alike(data, golden_value):
    systems = {row["item"]: row["system"] for row in data("wmt_mqm23_sxs_ende/items")}
    marks = defaultdict(lambda: defaultdict(list))
    for vote in data("wmt_mqm23_sxs_ende/votes"):
        marks[vote["annotator"]][systems[vote["item"]]].append(vote["value"])
    found = []
    for one, other in combinations(marks.values(), 2):
        common = sorted(one.keys() & other.keys())
        if len(common) >= 6:
            found.append(
                rank_agreement([mean(one[name]) for name in common], [mean(other[name]) for name in common]).tau
            )
    row = golden_value("wmt_mqm23_sxs_ende", "rater-rater Kendall")
    assert len(found) == row["n"]
    assert [mean(found), min(found), max(found)] == pytest.approx(row["value"], abs=1e-9)


@pytest.mark.parametrize("metric", ["balanced", "skewed", "very skewed"])
def test_the_kappa_paradox_tables(golden_value, metric):
    """Equal shares, unequal κ: where one value is common, κ and π fall, AC1 does not."""
    row = golden_value("paradox", metric)
    cells = np.array([int(n) for n in row["metric"].split(":")[0].translate(str.maketrans("[],", "   ")).split()
                      if n.isdigit()]).reshape(2, 2)  # fmt: skip
    a, b = (np.repeat(index.ravel(), cells.ravel()) for index in np.indices(cells.shape))
    counts = np.stack([(a == 0) + (b == 0) * 1.0, (a == 1) + (b == 1) * 1.0], axis=1)
    found = [(a == b).mean(), cohen_kappa(a, b, 2), scott_pi(a, b, 2), ac1(counts)]
    assert found == pytest.approx(row["value"], abs=1e-9)
    assert found[3] == pytest.approx(row["irrCAC_ac1"], abs=5e-6)


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
