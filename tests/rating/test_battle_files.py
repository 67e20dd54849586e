"""Published battle files rated without a database."""

from __future__ import annotations

import csv
import gzip
import json
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.models import Benchmark, LanguageModel
from rating import printing, stats
from rating.boards import Board
from rating.files import delimited, json_objects, json_rows, read
from rating.models import Rating
from rating.stats.bootstrap import bootstrap_counts, bootstrap_questions
from rating.stats.style import fit_styled
from rating.stats.ties import compare_ties, davidson, rao_kupper

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
KEYS = list(BOARD)
ROW = [name for name in BOARD["rows"][0] if name != "n_failed"]  # a file knows of no verdict that failed
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


def test_a_model_whose_name_begins_like_a_formula_is_a_text_in_the_csv_of_a_command(tmp_path):
    rows = [{**row, **{side: f"={row[side]}" for side in ("model_a", "model_b")}} for row in fights()]
    table = list(csv.DictReader(StringIO(said(made(tmp_path, "battles.jsonl", as_lines(rows)), "--format", "csv"))))
    assert table and all(row["model"].startswith("'=") for row in table)
    assert any(float(row["rating"]) < 1000 for row in table)


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


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path):
    plain = told(made(tmp_path, "battles.csv", as_text(fights())))["rows"]
    for name, content in (
        ("mark.csv", as_text(fights())),
        ("mark.jsonl", as_lines(fights())),
        ("mark.json", json.dumps(fights()).encode()),
    ):
        windows = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
        assert told(made(tmp_path, name, windows))["rows"] == plain


def test_a_bootstrap_has_its_own_intervals_around_the_same_ratings(tmp_path):
    path = made(tmp_path, "battles.csv", as_text(fights(question_id=[1, 1, 2, 3, 4])))
    plain, drawn = told(path), told(path, "--bootstrap", "50", "--anchor", "b=1000")
    found = bootstrap_questions(read(path).battles, 3, draws=50)
    moved = {row["model"]: row["rating"] for row in plain["rows"]}["b"] - 1000
    rows = {row["model"]: row for row in drawn["rows"]}
    for place, model in enumerate("abc"):
        assert rows[model]["low"] == pytest.approx(found.low[place] - moved)
        assert rows[model]["high"] == pytest.approx(found.high[place] - moved)
    assert drawn["bootstrap"] == {"draws": 50, "of": "questions", "separated": found.separated}
    alone = told(path, "--bootstrap", "50", "--no-clustered", "--rank-rule", "overlap")
    assert alone["bootstrap"]["of"] == "battles"
    assert alone["rows"][0]["low"] == pytest.approx(bootstrap_counts(read(path).counts, draws=50).low.max())


@pytest.mark.parametrize("fit", [davidson, rao_kupper])
def test_ties_may_be_an_outcome_of_their_own(shared, fit):
    path = shared / "gold" / "synthetic20k.csv"
    file = read(path)
    found, board = fit(file.counts), told(path, "--method", fit.__name__)
    rows = {row["model"]: row for row in board["rows"]}
    assert [rows[model]["rating"] for model in file.models] == pytest.approx(found.rating.tolist())
    assert [rows[model]["low"] for model in file.models] == pytest.approx(found.low.tolist())
    assert (board["ties"]["parameter"], board["ties"]["best"]) == (found.tie, compare_ties(file.counts).best)
    moved = {row["model"]: row for row in told(path, "--method", fit.__name__, "--anchor", "m00=0")["rows"]}
    assert moved["m00"]["rating"] == pytest.approx(0)
    assert moved["m01"]["high"] == pytest.approx(rows["m01"]["high"] - rows["m00"]["rating"])


def test_a_win_rate_is_the_share_of_battles_won_with_a_tie_as_half_a_win(tmp_path):
    path = made(tmp_path, "battles.csv", as_text(fights(question_id=[1, 1, 2, 3, 4])))
    board, found = told(path, "--method", "win_rate"), stats.win_rates(read(path).battles, 3)
    rows = {row["model"]: row for row in board["rows"]}
    assert [rows[model]["rating"] for model in "abc"] == [rows[model]["win_rate"] for model in "abc"]
    assert [rows[model]["low"] for model in "abc"] == pytest.approx(found.low.tolist())
    assert board["rates"][1] == {
        "model": "b", "wins": 1, "ties": 1, "losses": 2, "mean_rate": pytest.approx(found.mean_rate[1]),
    }  # fmt: skip
    alone = told(path, "--method", "win_rate", "--no-clustered")["rows"][0]
    assert alone["low"] != rows[alone["model"]]["low"]


def test_against_a_baseline_only_its_battles_count_and_it_stands_at_one_half(tmp_path):
    rows = ["base,a,model_b", "a,base,model_a", "base,a,tie", "base,b,model_a", "a,b,model_b", "c,b,model_a"]
    board = told(battles(tmp_path, *rows), "--baseline", "base")
    assert (board["method"], board["n"]) == ("win_rate", 4)
    assert [(row["model"], row["rating"], row["n"]) for row in board["rows"]] == [
        ("a", pytest.approx(2.5 / 3), 3), ("base", 0.5, 4), ("b", 0.0, 1),
    ]  # fmt: skip
    grouped = battles(tmp_path, *(f"{row},{place}" for place, row in enumerate(rows)), head=f"{HEAD},part")
    groups = told(grouped, "--baseline", "base", "--group", "part")["groups"]
    assert [len(part["rows"]) for part in groups] == [2, 2, 2, 2, 0, 0]


STYLED = {
    "length_a": [9, 3, 5, 1, 7],
    "length_b": [3, 3, 9, 2, 1],
    "bold_a": [0, 2, 1, 0, 1],
    "bold_b": [1, 0, 0, 0, 0],
}


def test_style_is_held_equal_by_all_pairs_of_columns_or_by_those_named(tmp_path):
    rows = [row for row in fights(**STYLED) for _ in range(2)]
    path = made(tmp_path, "battles.csv", as_text([*rows, *({**row, "winner": "tie"} for row in rows)]))
    for options, names in ((("--method", "style"), ("length", "bold")), (("--style", "bold"), ("bold",))):
        board, file = told(path, *options), read(path, style=names)
        fitted = fit_styled(file.battles, 3, style=file.style, centred=False, clustered=False)
        assert [row["feature"] for row in board["style"]] == list(names) and board["method"] == "style"
        assert all(list(row) == ["feature", "odds_ratio", "low", "high", "std"] for row in board["style"])
        assert [row["odds_ratio"] for row in board["style"]] == pytest.approx(fitted.odds_ratio.tolist())
        rated = {row["model"]: row["rating"] for row in board["rows"]}
        assert [rated[model] for model in "abc"] == pytest.approx(fitted.rating.tolist())
    assert file.style["bold"][:2].tolist() == [-1.0, -1.0]
    moved = told(path, "--style", "bold", "--centred", "--anchor", "a=1500")["rows"]
    assert next(row["rating"] for row in moved if row["model"] == "a") == pytest.approx(1500)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("-1,3,a,b,tie", "row 2: length_a is -1; a feature of style cannot be below 0"),
        ("1,NaN,a,b,tie", "row 2: length_b is empty"),
        ("1,long,a,b,tie", "row 2: length_b is 'long', not a number"),
        ("1,inf,a,b,tie", "row 2: length_b is inf, not a finite number"),
    ],
)
def test_a_feature_that_cannot_be_is_named_by_row(tmp_path, cells, says):
    path = battles(tmp_path, "1,2,a,b,tie", cells, head=f"length_a,length_b,{HEAD}")
    assert refused(path, "--style", "length") == says


def test_models_that_are_numbers_are_no_feature_of_style(tmp_path):
    path = battles(tmp_path, "1,2,tie", "2,3,model_a")
    assert refused(path, "--method", "style").startswith("has no pair of number columns")
    assert refused(path, "--style", "model").startswith("model_")


def test_ranks_may_follow_the_rule_of_intervals_that_do_not_overlap(shared):
    gold = json.loads((shared / "gold" / "synthetic20k.json").read_text())
    rows = told(shared / "gold" / "synthetic20k.csv", "--rank-rule", "overlap")["rows"]
    assert {row["model"]: row["rank_low"] for row in rows} == gold["rank_ub_from_sandwich"]


def test_a_table_for_people_says_what_the_method_says_beside_the_ratings(tmp_path):
    path = made(tmp_path, "battles.csv", as_text(fights(**STYLED)))
    assert "feature  odds ratio" in said(path, "--style", "length")
    assert "bootstrap: draws 9, of battles, separated" in said(path, "--bootstrap", "9")


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


def test_help_names_the_columns_and_gives_examples(capsys):
    with pytest.raises(SystemExit) as left:
        call_command("rate", "--help")
    text = capsys.readouterr().out
    assert left.value.code == 0 and "model_a, model_b" in " ".join(text.split())
    assert "\n  manage.py rate battles.csv " in text


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "told"), [(Terminal, True), (StringIO, False)])
def test_a_long_read_is_told_on_a_terminal_only_and_leaves_no_trace(tmp_path, monkeypatch, stream, told):
    monkeypatch.setattr(printing, "PATIENCE", 0.0)
    errors = stream()
    call_command("rate", str(made(tmp_path, "battles.csv", as_text(fights()))), stdout=StringIO(), stderr=errors)
    assert errors.getvalue() == ("\r5 rows read\r\x1b[K" if told else "")
