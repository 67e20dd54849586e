"""Judges against people, single annotators, Dawid–Skene and biases on public sets, against golden numbers."""

from statistics import mean

import numpy as np
import pytest

from rating.stats.against_people import against_people, with_people
from rating.stats.agreement import agree
from rating.stats.alternative_annotator import NULL_PASSES, alternative_test
from rating.stats.annotators import annotator_table
from rating.stats.bias import Cases, consistency, first_slot_share, self_preference
from rating.stats.dawid_skene import dawid_skene
from rating.stats.kappa import cohen_kappa
from rating.stats.krippendorff import alpha, votes_by_item
from rating.stats.scores_agreement import agree_on_scores

JUDGES = ("gpt4", "claude", "gpt35", "bard", "vicuna-13b")

COVERED = (
    "summeval|alt-test",
    "summeval|leave-one-out expert",
    "prd_vicuna80|human-human",
    *(f"prd_vicuna80|judge {name}:" for name in JUDGES),
    "prd_vicuna80|self-preference",
    "prd_vicuna80|intra-judge test-retest",
    "prd_vicuna80|per_category",
    "truth_duck|accuracy against gold",
    "truth_dog|accuracy against gold",
    "truth_duck|AUC",
    "truth_dog|AUC",
    "wmt_mqm23_sxs_ende|intra-annotator test-retest",
)
"""The lines of the agreement file that this module checks, as dataset|start of the metric."""

DIMENSIONS = ("coherence", "consistency", "fluency", "relevance")
MARKS = [1, 2, 3, 4, 5]


def test_what_is_covered_is_in_the_file(gold):
    lines = [f"{row['dataset']}|{row['metric']}" for row in gold("agreement.json")]
    assert [prefix for prefix in COVERED if not any(line.startswith(prefix) for line in lines)] == []


@pytest.fixture(scope="module")
def summeval(data):
    """All votes as columns, and the names of the annotators by code; `is_person` for the three experts."""
    items = {row["item"]: (number, row["dim"]) for number, row in enumerate(data("summeval/items"))}
    votes = data("summeval/votes")
    names = sorted({vote["annotator"] for vote in votes})
    rows = [(items[v["item"]][0], names.index(v["annotator"]), v["value"] - 1, v["kind"] == "human") for v in votes]
    item, judge, value, person = np.array(rows).T
    return {
        "columns": {"item": item, "judge": judge, "value": value, "is_person": person},
        "dimension": np.array([items[v["item"]][1] for v in votes]),
        "names": names,
    }


def of_dimension(summeval, dimension):
    return {name: column[summeval["dimension"] == dimension] for name, column in summeval["columns"].items()}


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_alternative_test_of_summeval(summeval, golden_value, dimension):
    columns = of_dimension(summeval, dimension)
    judges = golden_value("summeval", f"alt-test eps .2 per dimension {dimension}")["value"]
    known_nothing = golden_value("summeval", f"alt-test pitfall {dimension}")["value"]
    for name, numbers in judges.items():
        machine = summeval["names"].index(name)
        found = alternative_test(**columns, values=5, machine=machine, marks=MARKS)
        assert [round(found.winning_rate, 3), round(found.advantage, 3)] == numbers
        nulls = {null.value: [round(null.winning_rate, 3), round(null.advantage, 3)] for null in found.nulls}
        assert [nulls[k - 1] for k in (3, 4, 5)] == [known_nothing[f"constant {k}"] for k in (3, 4, 5)]
        assert nulls[None][1] == pytest.approx(known_nothing["random draw from the humans marginals"][1], abs=0.03)
        assert (found.null_passes, found.verdict, found.note) == (True, None, NULL_PASSES)


def test_alternative_test_of_summeval_pooled(summeval, golden_value):
    machine = summeval["names"].index("gpt-4o")
    found = alternative_test(**summeval["columns"], values=5, machine=machine, marks=MARKS)
    nulls = {str(null.value + 1): null for null in found.nulls if null.value is not None}
    for value, numbers in golden_value("summeval", "alt-test, four dimensions pooled")["value"].items():
        assert [round(nulls[value].winning_rate, 3), round(nulls[value].advantage, 3)] == numbers
    assert [round(found.winning_rate, 2), round(found.advantage, 2)] == [0.0, 0.48]  # printed by the paper's notebook
    assert (found.null_passes, found.verdict) == (False, False)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_each_summeval_expert_against_the_other_two(summeval, golden_value, dimension):
    columns = of_dimension(summeval, dimension)
    people = columns["is_person"] == 1
    item, annotator, value = (columns[name][people] for name in ("item", "judge", "value"))
    for row in annotator_table(item, annotator, value, values=5, marks=MARKS):
        golden = golden_value("summeval", f"leave-one-out expert e{row.annotator} {dimension}")
        assert (row.correlation.value, row.correlation.n) == (pytest.approx(golden["value"], abs=1e-9), golden["n"])
        assert row.correlation.low < golden["value"] < row.correlation.high


@pytest.fixture(scope="module")
def prd(data):
    """Votes on pairs of the five contestants that are judges too, each with its item's number, question and models."""
    items = {row["item"]: {**row, "number": n} for n, row in enumerate(data("prd_vicuna80/items"))}
    votes = [{**vote, **items[vote["item"]]} for vote in data("prd_vicuna80/votes")]
    return [vote for vote in votes if {vote["model_a"], vote["model_b"]} <= set(JUDGES)]


CODE = {"a": 0, "tie": 1, "b": 2}
PREFERENCE = {"a": 1, "tie": 0, "b": -1}


def both_orders(prd, judge):
    """Preference of a judge towards a, by item, in order ab and in order ba."""
    said = {
        (v["number"], v["order"]): PREFERENCE[v["value"]]
        for v in prd
        if v["annotator"] == judge and v.get("rep", 1) == 1
    }
    items = sorted(item for item, order in said if order == "ab")
    return np.array(items), np.array([[said[item, order] for item in items] for order in ("ab", "ba")])


@pytest.fixture(scope="module")
def prd_columns(prd):
    """People by the number of their vote on the item, and the five judges as 100..104, a tie where the orders differ."""
    category = {vote["number"]: vote["category"] for vote in prd}
    question = {vote["number"]: vote["question_id"] for vote in prd}
    rows = [(v["number"], v["rep"], CODE[v["value"]], True) for v in prd if v["kind"] == "human"]
    for seat, name in enumerate(JUDGES):
        items, (ab, ba) = both_orders(prd, name)
        rows += [(item, 100 + seat, 1 - a if a == b else 1, False) for item, a, b in zip(items, ab, ba, strict=True)]
    item, judge, value, person = np.array(rows).T
    names = sorted(set(category.values()))
    return {
        "item": item,
        "judge": judge,
        "value": value,
        "is_person": person,
        "cluster": np.array([question[i] for i in item]),
        "category": np.array([names.index(category[i]) for i in item]),
    }


@pytest.mark.parametrize("name", JUDGES)
def test_prd_judge_against_people_and_itself(prd, prd_columns, golden_value, name):
    row = golden_value("prd_vicuna80", f"judge {name}: position consistency")
    same, first, second, tied, s1, s2 = row["value"]
    _, (ab, ba) = both_orders(prd, name)
    share = consistency(ab, ba)
    assert (share.share, share.n) == (pytest.approx(same), row["n"])
    slot = first_slot_share(np.concatenate([ab, -ba]))
    assert slot.n == round((1 - tied) * 2 * row["n"])
    assert slot.share == pytest.approx(first / (first + second))
    (overall, *_) = with_people(**prd_columns, values=3, machine=100 + JUDGES.index(name), tie=1)
    assert (overall.raw.share, overall.raw.pairs) == (pytest.approx(s1), row["S1_n"])
    assert (overall.decided.share, overall.decided.pairs) == (pytest.approx(s2), row["S2_n"])


def test_prd_people_with_each_other(prd_columns, golden_value):
    overall = against_people(**prd_columns, values=3, machine=100, tie=1)[0]
    for found, name in ((overall.raw, "S1"), (overall.decided, "S2")):
        row = golden_value("prd_vicuna80", f"human-human {name}")
        assert (found.people, found.people_pairs) == (pytest.approx(row["value"]), row["n"])


def test_prd_by_category(prd, prd_columns, golden_value):
    names = sorted({vote["category"] for vote in prd})
    tables = {name: with_people(**prd_columns, values=3, machine=100 + seat)[1:] for seat, name in enumerate(JUDGES)}
    people = against_people(**prd_columns, values=3, machine=100)[1:]
    for code, category in enumerate(names):
        row = golden_value("prd_vicuna80", f"per_category {category}")["value"]
        assert {f"{name} S1": round(table[code].raw.share, 4) for name, table in tables.items()}.items() <= row.items()
        assert (round(people[code].raw.people, 4), people[code].raw.people_pairs) == (row["human-human S1"], row["n"])
        mine = (prd_columns["is_person"] == 1) & (prd_columns["category"] == code)
        votes = votes_by_item(prd_columns["item"][mine], prd_columns["value"][mine], values=3)
        assert round(alpha(votes), 4) == row["alpha"]


def test_prd_judge_minus_people_is_on_the_items_that_both_have(prd_columns, golden_value):
    """320 of the 800 items have one human vote: the published shares are not of the same items, the difference is."""
    overall = against_people(**prd_columns, values=3, machine=100)[0].raw
    assert (overall.items, overall.clusters, overall.judge_pairs) == (480, 80, 1440)
    published = golden_value("prd_vicuna80", "judge gpt4: position")["value"][4]
    assert overall.judge != pytest.approx(published, abs=1e-3)


@pytest.mark.parametrize("name", JUDGES)
def test_prd_self_preference(prd, golden_value, name):
    def cases(votes):
        mine = [v for v in votes if name in (v["model_a"], v["model_b"])]
        hits = [(1 + PREFERENCE[v["value"]] * (1 if v["model_a"] == name else -1)) / 2 for v in mine]
        return Cases(hits, [v["question_id"] for v in mine])

    machines = [v for v in prd if v["kind"] == "llm" and v.get("rep", 1) == 1]
    found = self_preference(
        cases([v for v in machines if v["annotator"] == name]),
        cases([v for v in machines if v["annotator"] != name]),
        cases([v for v in prd if v["kind"] == "human"]),
    )
    row = golden_value("prd_vicuna80", f"self-preference {name}")
    assert [found.itself.share, found.judges.share, found.people.share] == pytest.approx(row["value"][:3])
    assert [found.over_judges.difference, found.over_people.difference] == pytest.approx(row["value"][3:])
    assert found.over_people.low < row["value"][4] < found.over_people.high
    assert (found.over_people.clusters, found.itself.n) == (80, 2 * row["n"])


def test_prd_repeats_of_a_judge(prd, golden_value):
    votes = [v for v in prd if v["annotator"] == "gpt35" and {v["model_a"], v["model_b"]} == {"gpt35", "gpt4"}]
    item = [2 * v["number"] + (v["order"] == "ba") for v in votes]
    order = np.argsort([v.get("rep", 1) for v in votes], kind="stable")
    value = np.array([CODE[v["value"]] for v in votes])
    (row,) = annotator_table(np.array(item)[order], np.zeros(len(votes), int), value[order], values=3)
    share, kappa = golden_value("prd_vicuna80", "intra-judge test-retest gpt35")["value"]
    assert (row.repeats.value, row.repeats.n, row.votes) == (pytest.approx(share), 160, 160)
    seen = {(i, v.get("rep", 1)): CODE[v["value"]] for i, v in zip(item, votes, strict=True)}
    pairs = [[seen[i, rep] for i in sorted(set(item))] for rep in (1, 2)]
    assert cohen_kappa(*pairs, 3) == pytest.approx(kappa)


@pytest.fixture(scope="module")
def crowd(data):
    """Columns of a crowd set with known truth: (item, worker, value, truth)."""

    def columns(name):
        truth = {row["item"]: (number, int(row["gold"])) for number, row in enumerate(data(f"{name}/items"))}
        votes = data(f"{name}/votes")
        workers = {worker: n for n, worker in enumerate(sorted({vote["annotator"] for vote in votes}))}
        rows = [(*truth[v["item"]], workers[v["annotator"]], int(v["value"])) for v in votes]
        item, gold, worker, value = np.array(rows).T
        return item, worker, value, gold

    return columns


@pytest.mark.parametrize(("name", "values"), [("truth_duck", 2), ("truth_dog", 4)])
def test_dawid_skene_finds_the_truth_of_crowds(crowd, golden_value, name, values):
    item, worker, value, truth = crowd(name)
    row = golden_value(name, "accuracy against gold by truth-inference method")
    found = dawid_skene(item, worker, value, values=values)
    right = np.zeros(found.items.size, dtype=int)
    right[item] = truth
    assert round(float((found.label == right).mean()), 4) == row["value"]["own DS"]
    assert alpha(votes_by_item(item, value, values=values)) == pytest.approx(row["alpha_nominal"], abs=1e-9)


def chance_to_rank_worse(score, bad):
    """Area under the curve: a bad worker has the smaller score than a good one, equal counting half."""
    return mean((x < y) + (x == y) / 2 for x in score[bad] for y in score[~bad])


@pytest.mark.parametrize(("name", "values"), [("truth_duck", 2), ("truth_dog", 4)])
def test_bad_workers_are_found_without_the_truth(crowd, golden_value, name, values):
    item, worker, value, truth = crowd(name)
    row = golden_value(name, "AUC for finding the worst 20 %")
    table = [w for w in annotator_table(item, worker, value, values=values, gold=truth) if w.gold.n >= 10]
    assert len(table) == row["n"]
    accuracy = np.array([w.gold.value for w in table])
    assert np.quantile(accuracy, 0.2) == pytest.approx(row["cut"])
    bad = accuracy <= row["cut"]
    agreement = np.array([w.agreement.value for w in table])
    assert chance_to_rank_worse(agreement, bad) == pytest.approx(row["value"][0])
    skill = dawid_skene(item, worker, value, values=values, smoothing=1e-6).accuracy[[w.annotator for w in table]]
    assert chance_to_rank_worse(skill, bad) == pytest.approx(row["value"][1])
    both = np.array([[(s > skill).sum() + (s == skill).sum() / 2, (a > accuracy).sum() + (a == accuracy).sum() / 2]
                     for s, a in zip(skill, accuracy, strict=True)]).T  # fmt: skip
    assert np.corrcoef(both)[0, 1] == pytest.approx(row["spearman"][1])


def test_wmt_raters_who_rated_twice(data, golden_value):
    """The system that stood beside two others was rated twice by each rater."""
    votes = sorted(data("wmt_mqm23_sxs_ende/votes"), key=lambda vote: vote["t"])
    marks, value = np.unique([vote["value"] for vote in votes], return_inverse=True)
    names = [(vote["item"].split("_with_")[0], vote["item"].split("|", 1)[1]) for vote in votes]
    names = [
        "|".join(name) if "_with_" in vote["item"] else vote["item"] for name, vote in zip(names, votes, strict=True)
    ]
    item = np.unique(names, return_inverse=True)[1]
    rater = np.array([int(vote["annotator"].removeprefix("rater")) for vote in votes])
    row = golden_value("wmt_mqm23_sxs_ende", "intra-annotator test-retest")
    same, correlation, chance_corrected, apart, hours = row["value"]
    options = {"values": marks.size, "marks": marks, "time": np.array([vote["t"] for vote in votes]) / 1000}
    seat = item * 100 + rater
    (pooled,) = annotator_table(seat, np.zeros_like(rater), value, **options)
    assert (pooled.repeats.value, pooled.repeats.n) == (pytest.approx(same), row["n"])
    assert (pooled.apart, pooled.gap / 3600) == (pytest.approx(apart), pytest.approx(hours))
    table = annotator_table(item, rater, value, **options)
    assert {f"rater{r.annotator}": [r.repeats.n, round(r.repeats.value, 3)] for r in table} == row["per_rater"]
    order = np.argsort(seat, kind="stable")
    again = np.flatnonzero(np.diff(seat[order]) == 0)
    first, second = marks[value[order[again]]], marks[value[order[again + 1]]]
    scores = agree_on_scores(np.tile(again, 2), np.repeat([0, 1], again.size), np.concatenate([first, second]))
    assert (scores.alpha, scores.n) == (pytest.approx(chance_corrected, abs=1e-9), row["n"])
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(correlation)


def test_raw_shares_are_those_of_agree(prd_columns):
    """Two ways to the same number: all people's pairs by `agree`, and among people here, on items with two votes."""
    people = prd_columns["is_person"] == 1
    table = agree(
        prd_columns["item"][people], prd_columns["judge"][people], prd_columns["value"][people], values=3, tie=1
    )
    found = against_people(**prd_columns, values=3, machine=100, tie=1)[0]
    assert (found.raw.people, found.decided.people) == (pytest.approx(table.raw), pytest.approx(table.raw_decided))
