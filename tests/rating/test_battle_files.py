"""Published battle files rated without a database."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.models import Benchmark, LanguageModel
from arena.setup import ROOT
from rating import stats
from rating.boards import Board
from rating.files import BadFile, delimited, json_objects, json_rows, read
from rating.models import Rating

# The published table of May 2023, rounded as it was published.
PUBLISHED = {
    "vicuna-13b": 1169,
    "koala-13b": 1082,
    "oasst-pythia-12b": 1065,
    "alpaca-13b": 1008,
    "chatglm-6b": 985,
    "fastchat-t5-3b": 951,
    "dolly-v2-12b": 944,
    "llama-13b": 932,
    "stablelm-tuned-alpha-7b": 858,
}
HEAD = "model_a,model_b,winner"
BOARD = Board(
    Benchmark(name="kitchen"), None, None, "all", "bt", [Rating(model=LanguageModel(name="a"), n=2)]
).as_json()
KEYS, ROW = list(BOARD), list(BOARD["rows"][0])
FIGHTS = [("a", "b", "model_a"), ("b", "c", "tie"), ("c", "a", "model_b"), ("b", "a", "model_a"), ("c", "b", "model_a")]


def battles(tmp_path, *rows, name="battles.csv", head=HEAD):
    path = tmp_path / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def made(tmp_path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def fights(**more) -> list[dict]:
    """FIGHTS as objects; `more` adds columns, a value for each."""
    rows = [dict(zip(("model_a", "model_b", "winner"), fight, strict=True)) for fight in FIGHTS]
    return [{**row, **{name: values[place] for name, values in more.items()}} for place, row in enumerate(rows)]


def as_lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_text(rows: list[dict]) -> bytes:
    lines = [",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def said(*arguments) -> str:
    out = StringIO()
    call_command("rate", *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def told(*arguments) -> dict:
    return json.loads(said(*arguments, "--format", "json"))


def refused(*arguments) -> str:
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("rate", *map(str, arguments), stdout=out)
    assert caught.value.returncode == 2 and not out.getvalue()
    assert "\n" not in str(caught.value) and str(arguments[0]) in str(caught.value)
    return str(caught.value).removeprefix(f"{arguments[0]}: ")


# --- what is read


def test_the_anonymous_battles_of_2023_give_the_published_elo_table(shared):
    path = shared / "data" / "lmsys" / "battles_2023.json"
    board = told(path, "--method", "elo", "--anonymous-only")
    assert board["n"] == 4689
    assert {row["model"]: int(row["rating"]) for row in board["rows"]} == PUBLISHED
    ends = [row["rating"] for row in board["rows"]]
    assert (round(max(ends), 2), round(min(ends), 2)) == (1169.46, 858.95)


def test_a_file_has_the_published_maximum_likelihood_ratings(shared):
    gold = json.loads((shared / "gold" / "synthetic20k.json").read_text())
    board = told(shared / "gold" / "synthetic20k.csv")
    rows = {row["model"]: row for row in board["rows"]}
    for model, rating in gold["bt_mle_elo"].items():
        assert rows[model]["rating"] == pytest.approx(rating, abs=1e-6)
        assert [rows[model]["low"], rows[model]["high"]] == pytest.approx(gold["bt_sandwich_ci95_elo"][model], abs=1e-6)
        assert rows[model]["win_rate"] == pytest.approx(gold["win_rate_ties_half"][model], abs=1e-9)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_the_same_battles_give_the_same_board_in_every_format(tmp_path, form, packed):
    rows = fights(question_id=[1, 1, 2, 3, 4])
    path = tmp_path / f"battles.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        content = {"csv": as_text, "jsonl": as_lines, "json": lambda rows: json.dumps(rows).encode()}[form](rows)
        path = made(tmp_path, path.name + (".gz" if packed else ""), gzip.compress(content) if packed else content)
    fitted = stats.fit(stats.Battles([0, 1, 2, 1, 2], [1, 2, 0, 0, 1], [1, 0, -1, 1, 1], [0, 0, 1, 2, 3]), 3)
    rows = {row["model"]: row for row in told(path)["rows"]}
    assert [rows[name]["rating"] for name in "abc"] == pytest.approx(fitted.rating.tolist())
    assert [rows[name]["low"] for name in "abc"] == pytest.approx(fitted.low.tolist())


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_a_file_of_many_blocks_reads_as_one(tmp_path, monkeypatch, form):
    for module in (delimited, json_objects, json_rows):
        monkeypatch.setattr(module, "BLOCK", 256)
    monkeypatch.setattr(json_objects, "ROWS", 7)
    names = [f"modèle {place % 9}" for place in range(300)]
    rows = [{"model_a": name, "model_b": 'other, "quoted"', "winner": "tie"} for name in names]
    content = {"jsonl": as_lines(rows), "json": json.dumps(rows, indent=1, ensure_ascii=False).encode()}
    quoted = "".join(f'{row["model_a"]},"other, ""quoted""",tie\n' for row in rows)
    file = read(made(tmp_path, f"battles.{form}", content.get(form, f"{HEAD}\n{quoted}".encode())))
    assert [file.models[code] for code in file.first] == names
    assert {file.models[code] for code in file.second} == {'other, "quoted"'}


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(
    lambda name: name not in delimited.MISSING
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.lists(NAMES, min_size=2, max_size=2, unique=True), min_size=1, max_size=8))
def test_whatever_the_names_every_format_reads_the_same_battles(tmp_path, pairs):
    rows = [{"model_a": first, "model_b": second, "winner": "tie"} for first, second in pairs]
    text = StringIO(newline="")
    writer = csv.DictWriter(text, HEAD.split(","), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    made(tmp_path, "battles.csv", text.getvalue().encode())
    made(tmp_path, "battles.jsonl", as_lines(rows))
    made(tmp_path, "battles.json", json.dumps(rows, ensure_ascii=False).encode())
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "battles.parquet")
    for form in ("csv", "jsonl", "json", "parquet"):
        file = read(tmp_path / f"battles.{form}")
        found = zip(file.first, file.second, strict=True)
        assert [[file.models[first], file.models[second]] for first, second in found] == pairs


def test_time_decides_the_order_not_the_place_in_the_file(tmp_path):
    rows = ["a,b,model_a,3", "a,c,model_b,1", "b,c,tie,2"]
    file = read(battles(tmp_path, *rows, head="model_a,model_b,winner,tstamp"))
    assert [file.models[code] for code in file.battles.second] == ["c", "c", "b"]


def test_dates_are_times_too(tmp_path):
    rows = ["a,b,model_a,2024-03-01T00:00:00", "a,c,model_b,2023-12-31 23:59:59", "b,c,tie,2024-01-01T00:00:00"]
    file = read(battles(tmp_path, *rows, head="model_a,model_b,winner,tstamp"))
    assert [file.models[code] for code in file.battles.second] == ["c", "c", "b"]


def test_both_spellings_of_the_winner_column_are_read(tmp_path):
    assert read(battles(tmp_path, "a,b,tie (bothbad)", head="model_a,model_b,win")).battles.value.tolist() == [0.0]


def test_much_better_is_read_as_arena_hard_writes_it(tmp_path):
    rows = ["a,b,A>>B", "a,b,A>B", "a,b,A=B", "a,b,B>A", "a,b,B>>A"]
    assert read(battles(tmp_path, *rows)).value.tolist() == [2, 1, 0, -1, -2]


# --- what is rated


def test_a_board_has_the_keys_of_a_leaderboard(tmp_path):
    board = told(made(tmp_path, "battles.jsonl", as_lines(fights())))
    assert list(board) == KEYS and all(list(row) == ROW for row in board["rows"])
    assert (board["benchmark"], board["category"], board["source"], board["method"]) == (
        "battles.jsonl", "all", "all", "bt",
    )  # fmt: skip
    assert board["n"] == 5 and sum(row["n"] for row in board["rows"]) == 10


def test_a_group_has_the_board_that_its_rows_alone_have(tmp_path):
    rows = fights(language=["en", "en", "de", "de", "en"])
    board = told(made(tmp_path, "battles.jsonl", as_lines(rows)), "--group", "language")
    alone = told(made(tmp_path, "english.jsonl", as_lines([row for row in rows if row["language"] == "en"])))
    assert list(board) == [*KEYS, "groups"] and [part["category"] for part in board["groups"]] == ["de", "en"]
    english = board["groups"][1]
    assert list(english) == KEYS and english["rows"] == alone["rows"] and english["n"] == 3
    assert board["rows"] == told(made(tmp_path, "all.jsonl", as_lines(fights())))["rows"]


def test_one_judge_alone_is_a_source(tmp_path):
    path = made(tmp_path, "battles.csv", as_text(fights(judge=["ann", "bob", "ann", "bob", "ann"])))
    board = told(path, "--source", "judge:ann")
    assert (board["source"], board["n"]) == ("judge:ann", 3)
    assert refused(path, "--source", "judge:eve") == "holds no battles of judge eve; there are: ann, bob"


def test_the_anchor_has_its_rating_and_all_move_with_it(tmp_path):
    path = made(tmp_path, "battles.csv", as_text(fights()))
    plain, moved = ({row["model"]: row for row in told(path, *extra)["rows"]} for extra in ((), ("--anchor", "b=700")))
    assert moved["b"]["rating"] == pytest.approx(700)
    for end in ("rating", "low", "high"):
        differences = {round(moved[model][end] - plain[model][end], 6) for model in "abc"}
        assert len(differences) == 1
    assert refused(path, "--anchor", "z=1").startswith("holds no model z")


def test_battles_are_clustered_by_the_named_column_or_not_at_all(tmp_path):
    path = made(tmp_path, "battles.csv", as_text(fights(question_id=[1, 1, 2, 3, 4], prompt=[1, 2, 2, 3, 3])))
    ends = [told(path, *extra)["rows"][0]["low"] for extra in ((), ("--cluster", "prompt"), ("--no-clustered",))]
    assert len({*ends}) == 3
    table = stats.counts(read(path).battles, 3)
    assert ends[2] == pytest.approx(stats.fit_counts(table).low.max())


def test_a_lower_level_gives_shorter_intervals(tmp_path):
    path = made(tmp_path, "battles.csv", as_text(fights()))
    wide, narrow = (told(path, *extra)["rows"][0] for extra in ((), ("--level", "0.5")))
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]


def test_a_much_better_answer_may_count_three_times_but_is_one_battle(tmp_path):
    rows = ["a,b,A>>B,1", "b,a,A>B,2", "a,b,A=B,3", "b,a,B>A,4", "b,a,A>>B,5"]
    path = battles(tmp_path, *rows, head="model_a,model_b,winner,question_id")
    thrice = [row for row in rows for _ in range(3 if ">>" in row else 1)]
    repeated = battles(tmp_path, *thrice, head="model_a,model_b,winner,question_id", name="repeated.csv")
    one, three = ({row["model"]: row for row in told(path, *extra)["rows"]} for extra in ((), ("--strong", "3")))
    again = {row["model"]: row for row in told(repeated)["rows"]}
    for model in "ab":
        assert [three[model][end] for end in ("rating", "low", "high")] == pytest.approx(
            [again[model][end] for end in ("rating", "low", "high")]
        )
        assert three[model]["n"] == one[model]["n"] == 5 and three[model]["win_rate"] == one[model]["win_rate"]
    assert three["a"]["high"] != pytest.approx(one["a"]["high"])


def test_ranks_may_follow_the_rule_of_intervals_that_do_not_overlap(shared):
    gold = json.loads((shared / "gold" / "synthetic20k.json").read_text())
    rows = told(shared / "gold" / "synthetic20k.csv", "--rank-rule", "overlap")["rows"]
    assert {row["model"]: row["rank_low"] for row in rows} == gold["rank_ub_from_sandwich"]


def test_a_table_for_people_says_what_it_is_and_a_csv_has_the_groups(tmp_path):
    path = made(tmp_path, "battles.csv", as_text(fights(language=["en", "en", "de", "de", "en"])))
    lines = said(path).splitlines()
    assert lines[0] == "battles.csv · all · votes: all · bt · n = 5" and lines[2].split()[:3] == [
        "rank",
        "range",
        "model",
    ]
    rows = said(path, "--format", "csv", "--group", "language").splitlines()
    assert rows[0] == "category,rank,rank_low,rank_high,model,rating,low,high,n,win_rate"
    assert {row.split(",")[0] for row in rows[1:]} == {"all", "de", "en"}


# --- what is refused


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["a,b,model_a", "a,b,left"], "row 2: winner is 'left', not one of model_a, model_b, tie"),
        (["a,a,model_a"], "row 1: a fights itself"),
        (["a,,model_a"], "row 1: model_b is empty"),
        (["a,b,tie", "NaN,b,tie"], "row 2: model_a is empty"),
        (["a,b,tie", "a,b,"], "row 2: winner is empty"),
        (["a,b,tie", "a,b,tie,tie"], "row 2: has 4 values for 3 columns"),
        (["a,b,tie", "a,b"], "row 2: has 2 values for 3 columns"),
        (["a,b,tie", 'a,b,"tie', "a,b,tie"], "row 2: a quotation mark is never closed"),
        ([], "holds no battles"),
    ],
)
def test_a_bad_row_is_one_line_with_its_place(tmp_path, rows, says):
    assert refused(battles(tmp_path, *rows)).startswith(says)


GOOD = as_lines(fights())
LIST = json.dumps(fights()).encode()
BAD = {
    "empty.csv": (b"", "is empty"),
    "head.csv": (HEAD.encode(), "holds no rows"),
    "twice.csv": (b"model_a,model_b,winner,winner\na,b,tie,tie\n", "has 2 columns winner"),
    "both.csv": (b"model_a,model_b,winner,win\na,b,tie,tie\n", "has both a column winner and a column win"),
    "missing.csv": (b"model_a,model_b\na,b\n", "has no column winner or win"),
    "latin.csv": (f"{HEAD}\na,b,tie\nclaud\xe9,b,tie\n".encode("latin-1"), "line 3: byte 6 is not UTF-8 text"),
    "latin_head.csv": (b"model_a,model_b,winner,\xe9\na,b,tie,1\n", "line 1: byte 24 is not UTF-8 text"),
    "cut.csv.gz": (gzip.compress(as_text(fights() * 50))[:-9], "cannot be read: Truncated compressed stream"),
    "plain.csv.gz": (as_text(fights()), "cannot be read: zlib inflate failed: incorrect header check"),
    "empty.jsonl": (b"", "is empty"),
    "blank.jsonl": (b"\n \n", "holds no rows"),
    "broken.jsonl": (GOOD + b'{"model_a": "a",\n' + GOOD, "line 6: is not JSON: Expecting property name"),
    "list.jsonl": (b"[1]\n", "line 1: is [1], not an object"),
    "twice.jsonl": (GOOD + b'{"model_a": "a", "model_a": "b"}\n', "line 6: has model_a twice"),
    "mixed.jsonl": (GOOD + b'{"model_a": 5, "model_b": "b", "winner": "tie"}\n', "line 6: model_a is 5, not a word"),
    "nested.jsonl": (b'{"model_a": ["a"], "model_b": "b", "winner": "tie"}', "line 1: model_a is ['a'], not a word"),
    "nan.jsonl": (GOOD + b'{"model_a": "a", "model_b": "b", "winner": NaN}\n', "row 6: winner is empty"),
    "key.jsonl": (GOOD + b'{"model_a": "a", "winner": "tie"}\n', "row 6: model_b is empty"),
    "strange.jsonl": (GOOD.replace(b'"tie"', b'"TIE"'), "row 2: winner is 'TIE', not one of"),
    "latin.jsonl": (GOOD.replace(b'"tie"', b'"t\xe9"'), "line 2: byte 46 is not UTF-8 text"),
    "cut.jsonl.gz": (gzip.compress(GOOD)[:-9], "cannot be read: Compressed file ended before"),
    "object.json": (b'{"model_a": "a"}', "is not a list of objects"),
    "numbers.json": (b"[1, 2]", "row 1: is 1, not an object"),
    "none.json": (b"[]", "holds no rows"),
    "open.json": (LIST[:-1], "row 5: is followed by the end of the file, not by , or ]"),
    "cut.json": (LIST[:-9], "row 5: is not JSON"),
    "more.json": (LIST + b"]", "something follows the list"),
    "comma.json": (LIST[:-1] + b",]", "row 6: is not JSON: Expecting value"),
    "mixed.json": (LIST.replace(b'"tie"', b"0"), "row 2: winner is 0, not a word"),
    "latin.json": (LIST.replace(b'"tie"', b'"t\xe9"'), "line 1: byte 102 is not UTF-8 text"),
    "words.parquet": (b"these are no columns", "cannot be read: Parquet magic bytes not found"),
    "empty.parquet": (b"", "is empty"),
    "battles.tsv": (b"a\tb", "is not a .csv, .jsonl, .json (or one of these with .gz) or .parquet file"),
    "battles.parquet.gz": (b"a", "is not a .csv, .jsonl, .json (or one of these with .gz) or .parquet file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_that_names_the_place(tmp_path, name):
    content, says = BAD[name]
    assert refused(made(tmp_path, name, content)).startswith(says)


def test_a_truncated_parquet_file_a_folder_and_nothing_are_named(tmp_path):
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.Table.from_pylist(fights()), whole)
    cut = made(tmp_path, "cut.parquet", whole.read_bytes()[:-20])
    assert refused(cut).startswith("cannot be read: Parquet magic bytes not found")
    (tmp_path / "folder.csv").mkdir()
    assert refused(tmp_path / "folder.csv") == "cannot be read: it is a folder"
    assert refused(tmp_path / "nowhere.csv") == "cannot be read: it is not there"


def test_a_parquet_file_with_columns_of_another_type_is_refused_by_row(tmp_path):
    path = tmp_path / "battles.parquet"
    pq.write_table(pa.table({"model_a": [["a"]], "model_b": ["b"], "winner": ["tie"]}), path)
    assert "row 1: model_a holds list" in refused(path)
    pq.write_table(pa.table({"model_a": ["a", None], "model_b": ["b", "c"], "winner": ["tie", "tie"]}), path)
    assert refused(path) == "row 2: model_a is empty"


def test_a_hundred_thousand_models_are_refused(tmp_path):
    rows = (f"m{place},m{place + 1},tie" for place in range(100_000))
    assert refused(battles(tmp_path, *rows)) == "100001 models; between 1 and 5000 can be rated together"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--group", "language"), "has no column language"),
        (("--cluster", "prompt"), "has no column prompt"),
        (("--anonymous-only",), "has no column anony"),
        (("--source", "judge:ann"), "has no column judge"),
        (("--level", "2"), "level 2 is not between 0 and 1"),
        (("--method", "elo", "--k", "0"), "Elo with k 0"),
        (("--method", "elo", "--strong", "3"), "much better answers count 3 times with method bt only"),
        (("--method", "elo", "--anchor", "a=1"), "Elo has no anchor"),
    ],
)
def test_an_option_that_the_file_cannot_serve_is_named(tmp_path, options, says):
    assert refused(battles(tmp_path, "a,b,tie", "a,b,model_b"), *options).startswith(says)


@pytest.mark.parametrize(
    ("cells", "says"), [("a,b,tie,maybe,1", "anony is 'maybe'"), ("a,b,tie,True,noon", "tstamp is 'noon'")]
)
def test_a_flag_and_a_time_that_are_none_are_named(tmp_path, cells, says):
    path = battles(tmp_path, "a,b,tie,True,1", cells, head=f"{HEAD},anony,tstamp")
    assert refused(path, "--method", "elo", "--anonymous-only").startswith(f"row 2: {says}")


def test_rows_that_are_not_asked_for_are_not_held_against_the_file(tmp_path):
    path = battles(tmp_path, "a,b,left,False", "a,b,model_a,True", head=f"{HEAD},anony")
    assert read(path, anonymous_only=True).left_out == 1
    with pytest.raises(BadFile, match="row 1: winner is 'left'"):
        read(path)


def test_the_program_itself_says_it_in_one_line_with_exit_code_2(tmp_path):
    path = battles(tmp_path, "a,b,left")
    environment = {
        **os.environ,
        "JURYROOM_NO_SETUP": "1",
        "JURYROOM_DATA": str(tmp_path / "data"),
        "PYTHONWARNINGS": "error",
    }
    run = subprocess.run(
        [sys.executable, "manage.py", "rate", str(path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"CommandError: {path}: row 1: winner is 'left'") and run.stderr.count("\n") == 1


def test_help_names_the_columns(capsys):
    with pytest.raises(SystemExit) as left:
        call_command("rate", "--help")
    assert left.value.code == 0 and "model_a, model_b" in " ".join(capsys.readouterr().out.split())
