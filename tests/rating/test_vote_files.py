"""Vote files, and how far the votes in them agree, without a database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from arena.models import Benchmark
from arena.setup import ROOT
from rating import stats
from rating.boards import Agreements
from rating.files import read_votes
from rating.models import Agreement

SHAPE = Agreements(Benchmark(name="kitchen"), None, [Agreement(judges="people", n=2)]).as_json()
KEYS, ROW = list(SHAPE), list(SHAPE["rows"][0])
VOTES = ["1,ann,good", "1,bob,good", "2,ann,bad", "2,bob,good", "3,ann,bad", "3,bob,bad", "4,ann,good"]
MARKS = ["1,ann,1", "1,bob,2", "2,ann,5", "2,bob,5", "3,ann,3", "3,bob,2.5", "4,ann,4"]


def votes(tmp_path, *rows, name="votes.csv", head="item,annotator,value"):
    path = tmp_path / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def said(*arguments) -> str:
    out = StringIO()
    call_command("agree", *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def told(*arguments) -> dict:
    return json.loads(said(*arguments, "--format", "json"))


def refused(*arguments) -> str:
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("agree", *map(str, arguments), stdout=out)
    assert caught.value.returncode == 2 and not out.getvalue()
    assert "\n" not in str(caught.value) and str(arguments[0]) in str(caught.value)
    return str(caught.value).removeprefix(f"{arguments[0]}: ")


def same(row: dict, found: stats.Agreement) -> bool:
    return all(row[name] == getattr(found, name) for name in ("n", "raw", "kappa", "alpha", "low", "high", "ac1"))


# --- what is read and counted


def test_agreement_has_the_keys_of_a_benchmarks_agreement(tmp_path):
    found = told(votes(tmp_path, *VOTES))
    assert list(found) == KEYS and list(found["rows"][0])[: len(ROW)] == ROW
    assert found["benchmark"] == "votes.csv" and found["rows"][0]["category"] == "all"


def test_the_row_is_that_of_the_statistics(tmp_path):
    row = told(votes(tmp_path, *VOTES), "--values", "3")["rows"][0]
    item, judge, value = [1, 1, 2, 2, 3, 3, 4], [0, 1, 0, 1, 0, 1, 0], [1, 1, 0, 1, 0, 0, 1]
    assert same(row, stats.agree(item, judge, value, values=3)) and row["raw"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("spelling", ["annotator", "judge", "worker"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_every_format_and_every_word_for_who_judged_says_the_same(tmp_path, form, spelling):
    names = ("item", spelling, "value")
    rows = [dict(zip(names, row.split(","), strict=True)) for row in VOTES]
    path = tmp_path / f"votes.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        lines = {"csv": [",".join(names), *VOTES], "jsonl": map(json.dumps, rows), "json": [json.dumps(rows)]}
        path.write_text("\n".join(lines[form]))
    assert told(path)["rows"] == told(votes(tmp_path, *VOTES, name="plain.csv"))["rows"]


def test_numbers_are_in_their_order_not_that_of_the_alphabet(tmp_path):
    marks = ["1,ann,2", "1,bob,10", "2,ann,9", "2,bob,10", "3,ann,2", "3,bob,2"]
    file = read_votes(votes(tmp_path, *marks), level="ordinal")
    assert file.names == ["2", "9", "10"] and file.value.tolist() == [0, 2, 1, 2, 0, 0]
    row = told(votes(tmp_path, *marks), "--level", "ordinal", "--values", "10")["rows"][0]
    assert same(row, stats.agree(file.item, file.annotator, file.value, values=10, level="ordinal"))


def test_marks_of_a_scale_are_compared_as_scores_and_as_values(tmp_path):
    row = told(votes(tmp_path, *MARKS), "--level", "interval")["rows"][0]
    item, judge, score = [1, 1, 2, 2, 3, 3, 4], [0, 1, 0, 1, 0, 1, 0], [1, 2, 5, 5, 3, 2.5, 4]
    assert row["alpha"] == pytest.approx(stats.agree_on_scores(item, judge, score).alpha)
    scale = [1, 2, 2.5, 3, 4, 5]
    value = [scale.index(one) for one in score]
    assert same(row, stats.agree(item, judge, value, values=6, level="interval", marks=scale))
    more = told(votes(tmp_path, *MARKS), "--level", "interval", "--values", "9")["rows"][0]
    assert more["alpha"] == pytest.approx(row["alpha"]) and more["ac1"] != row["ac1"]


def test_scores_on_a_fine_scale_have_alpha_alone(tmp_path):
    rows = [f"{item},{who},{item * 1.01 + len(who) / 10}" for item in range(60) for who in ("ann", "hilda")]
    row = told(votes(tmp_path, *rows), "--level", "interval")["rows"][0]
    score = [float(row.split(",")[2]) for row in rows]
    found = stats.agree_on_scores([place // 2 for place in range(120)], [0, 1] * 60, score)
    assert same(row, found) and row["raw"] is None


def test_the_share_without_ties_is_told_where_the_tie_is_named(tmp_path):
    rows = ["1,ann,tie", "1,bob,good", "2,ann,bad", "2,bob,bad", "3,ann,good", "3,bob,bad"]
    row = told(votes(tmp_path, *rows), "--tie", "tie")["rows"][0]
    assert (row["raw"], row["raw_decided"], row["pairs_decided"]) == (pytest.approx(1 / 3), 0.5, 2)
    assert told(votes(tmp_path, *rows))["rows"][0]["raw_decided"] is None
    assert refused(votes(tmp_path, *rows), "--tie", "draw") == "no value is 'draw'; there are: bad, good, tie"


def test_questions_and_not_items_are_resampled_where_the_file_names_them(tmp_path):
    rows = [f"{item},{who},{(item * 7 + who * (item % 3)) % 2},{item // 4}" for item in range(60) for who in (0, 1)]
    path = votes(tmp_path, *rows, head="item,judge,value,question_id")
    columns = [[int(row.split(",")[place]) for row in rows] for place in range(4)]
    found = stats.agree(*columns[:3], values=2, cluster=columns[3])
    row = told(path, "--values", "2")["rows"][0]
    assert same(row, found) and row["low"] != stats.agree(*columns[:3], values=2).low


def test_a_category_has_the_row_that_its_votes_alone_have(tmp_path):
    rows = [f"{row},{'odd' if int(row[0]) % 2 else 'even'}" for row in VOTES]
    found = told(votes(tmp_path, *rows, head="item,annotator,value,category"), "--by", "category", "--values", "2")
    assert [row["category"] for row in found["rows"]] == ["all", "even", "odd"]
    odd = told(votes(tmp_path, *(row for row in VOTES if int(row[0]) % 2), name="odd.csv"), "--values", "2")["rows"][0]
    assert found["rows"][2] == {**odd, "category": "odd"}


def test_values_that_only_occur_are_said_to_be_so(tmp_path):
    path = votes(tmp_path, *VOTES)
    errors = StringIO()
    call_command("agree", str(path), format="json", stdout=StringIO(), stderr=errors)
    assert "--values" in errors.getvalue() and "--values" in said(path)
    assert "--values" not in said(path, "--values", "2")
    assert told(path)["rows"][0]["ac1"] < told(path, "--values", "4")["rows"][0]["ac1"]


def test_one_value_alone_and_single_votes_say_why(tmp_path):
    one = told(votes(tmp_path, "1,ann,good", "1,bob,good"))["rows"][0]
    assert (one["alpha"], one["note"]) == (1.0, stats.ONE_VALUE)
    single = told(votes(tmp_path, "1,ann,good", "2,bob,good"))["rows"][0]
    assert (single["n"], single["raw"], single["alpha"], single["note"]) == (0, None, None, stats.NO_PAIRS)


def test_few_items_say_how_many_more(tmp_path):
    row = told(votes(tmp_path, *VOTES))["rows"][0]
    assert (row["note"], row["wanted"]) == ("few", 27)
    assert "few items: about 27 more are needed" in said(votes(tmp_path, *VOTES))


def test_annotators_have_a_row_each(tmp_path):
    rows = [f"{item},{who},{item % 2 if who != 'eve' else 1}" for item in range(40) for who in ("ann", "bob", "eve")]
    found = told(votes(tmp_path, *rows), "--annotators", "--values", "2")
    assert list(found) == [*KEYS, "annotators"]
    assert {row["annotator"]: row["agreement"] for row in found["annotators"]} == {"ann": 0.75, "bob": 0.75, "eve": 0.5}
    assert all(row["votes"] == 40 and row["wanted"] == 0 for row in found["annotators"])


def test_too_few_shared_items_say_nothing_of_an_annotator(tmp_path):
    rows = told(votes(tmp_path, *VOTES), "--annotators")["annotators"]
    assert [(row["annotator"], row["agreement"], row["wanted"]) for row in rows] == [("ann", None, 7), ("bob", None, 7)]


def test_a_table_for_people_and_a_csv_have_the_same_rows(tmp_path):
    path = votes(tmp_path, *VOTES)
    assert said(path).splitlines()[0].split()[:4] == ["category", "judges", "n", "raw"]
    head, row = said(path, "--format", "csv").splitlines()
    assert head.startswith("category,judges,n,raw,kappa,alpha,low,high") and row.startswith("all,all,3,0.666")
    assert said(path, "--format", "csv", "--annotators").splitlines()[0].startswith("annotator,votes,shared")


# --- what is refused


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ([], (), "holds no votes"),
        (["1,ann,good", "1,bob,"], (), "row 2: value is empty"),
        (["1,ann,good", ",bob,good"], (), "row 2: item is empty"),
        (["1,ann,good", "1,NaN,good"], (), "row 2: annotator is empty"),
        (["1,ann,3", "1,bob,NaN"], ("--level", "interval"), "row 2: value is empty"),
        (["1,ann,3", "1,bob,good"], ("--level", "ordinal"), "row 2: value is 'good', not a number"),
        (["1,ann,3", "1,bob,inf"], ("--level", "interval"), "row 2: value is inf, not a finite number"),
        (["1,ann,3", "1,bob,4", "2,ann,5"], ("--values", "2"), "row 3: value '5' is one more than the 2 there may be"),
        (
            ["2,ann,a", "1,ann,a", "1,bob,a", "1,ann,b", "2,ann,b"],
            (),
            "row 4: ann has judged item 1 already, in row 2",
        ),
    ],
)
def test_a_bad_row_is_one_line_with_its_place(tmp_path, rows, options, says):
    assert refused(votes(tmp_path, *rows), *options) == says


def test_an_item_of_two_questions_is_named(tmp_path):
    path = votes(tmp_path, "1,ann,good,q1", "2,ann,bad,q2", "1,bob,good,q2", head="item,annotator,value,question")
    assert refused(path) == "row 3: question of item 1 is q2, but q1 in row 1"


@pytest.mark.parametrize(
    ("head", "options", "says"),
    [
        ("item,value", (), "has no column annotator or judge or worker; there are: item, value"),
        ("annotator,value", (), "has no column item; there are: annotator, value"),
        ("item,annotator", (), "has no column value; there are: annotator, item"),
        (
            "item,annotator,value",
            ("--by", "category"),
            "has no column category; there are: annotator, item, value",
        ),
        ("item,annotator,value,value", (), "has 2 columns value"),
    ],
)
def test_a_column_that_is_missing_or_there_twice_is_named(tmp_path, head, options, says):
    path = votes(tmp_path, ",".join("a" for _ in head.split(",")), head=head)
    assert refused(path, *options) == says


def test_words_without_end_are_no_values(tmp_path):
    assert refused(votes(tmp_path, *(f"{n},ann,word {n}" for n in range(1200)))).startswith("1200 different values")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    assert refused(tmp_path / "nowhere.csv") == "cannot be read: it is not there"
    (tmp_path / "broken.jsonl").write_text('{"item": 1, "annotator": "a", "value": "x"}\n{"item": \n')
    assert refused(tmp_path / "broken.jsonl").startswith("line 2: is not JSON")


def test_help_names_the_columns_and_gives_examples(capsys):
    with pytest.raises(SystemExit) as left:
        call_command("agree", "--help")
    text = capsys.readouterr().out
    assert left.value.code == 0 and "item, annotator (or judge, or worker)" in text
    assert "\n  manage.py agree votes.csv " in text


def test_values_must_leave_a_choice(tmp_path):
    with pytest.raises(CommandError, match="'1' is not a whole number from 2"):
        said(votes(tmp_path, *VOTES), "--values", "1")


def test_the_program_itself_says_it_in_one_line_with_exit_code_2(tmp_path):
    path = votes(tmp_path, "1,ann,good", "1,ann,bad")
    environment = {**os.environ, "JURYROOM_NO_SETUP": "1", "JURYROOM_DATA": str(tmp_path / "data")}
    run = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "agree", str(path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"CommandError: {path}: row 2: ann has judged item 1 already, in row 1\n"
    assert not list(tmp_path.rglob("*.sqlite3"))


# --- against the published sets


@pytest.mark.parametrize("name", ["truth_dog", "truth_duck"])
def test_the_votes_of_a_published_set_have_its_alpha(shared, name):
    lines = json.loads((shared / "gold" / "agreement.json").read_text())
    line = next(line for line in lines if line["dataset"] == name and "alpha_nominal" in line)
    row = told(shared / "data" / name / "votes.jsonl.gz")["rows"][0]
    assert (row["n"], row["alpha"]) == (line["n"], pytest.approx(line["alpha_nominal"], abs=1e-12))


def test_the_safety_votes_have_their_published_coefficients(shared):
    lines = json.loads((shared / "gold" / "agreement.json").read_text())
    mine = {line["metric"]: line["value"] for line in lines if line["dataset"] == "dices_350_crowdsourced"}
    row = told(shared / "data" / "dices_350_crowdsourced" / "votes.jsonl.gz", "--values", "3")["rows"][0]
    assert row["alpha"] == pytest.approx(mine["krippendorff_alpha_nominal"], abs=1e-12)
    published = mine["gwet_ac1 / fleiss / percent agreement"]
    assert [row["ac1"], row["kappa"], row["raw"]] == pytest.approx(published, abs=1e-9)
