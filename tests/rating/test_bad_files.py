"""Battle files that cannot be rated: each is one line that names the place, exit code 2, and nothing on stdout."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError

from arena.setup import ROOT
from rating.files import BadFile, delimited, read
from tests.rating.test_battle_files import HEAD, as_lines, as_text, battles, fights, made, refused, said, told


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
    "missing.csv": (b"model_a,model_b\na,b\n", "has no column winner or win; there are: model_a, model_b"),
    "latin_other.csv": (f"text,{HEAD}\ncaf\xe9,a,b,tie\n".encode("latin-1"), "line 2: byte 4 is not UTF-8 text"),
    "utf16.csv": (f"{HEAD}\na,b,tie\n".encode("utf-16"), "line 1: byte 1 is not UTF-8 text"),
    "packed.csv": (gzip.compress(as_text(fights() * 50)), "line 1: byte 2 is not UTF-8 text"),
    "semicolon.csv": (b"model_a;model_b;winner\n", "has no column winner or win; there are: model_a;model_b;winner"),
    "one.csv": (f"{HEAD}\na,a,tie\n".encode(), "row 1: a fights itself"),
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
    "late.jsonl": (GOOD * 300 + b'{"model_a": "\xe9"}\n', "line 1501: byte 14 is not UTF-8 text"),
    "latin_other.jsonl": (GOOD * 300 + b'{"text": "\xe9"}\n', "line 1501: byte 11 is not UTF-8 text"),
    "list_of_all.jsonl": (LIST, "line 1: is [{'model_a': 'a'"),
    "deep.jsonl": (GOOD + b"[" * 100_000, "line 6: is nested too deeply"),
    "digits.jsonl": (GOOD + b'{"model_a": ' + b"9" * 5000 + b"}", "line 6: holds a number that is too long"),
    "half.jsonl": (
        GOOD + b'{"model_a": "\\ud800", "model_b": "b", "winner": "tie"}',
        "line 6: model_a is '\\ud800', which",
    ),
    "bom.jsonl": (b"\xef\xbb\xbf", "holds no rows"),
    "latin.jsonl": (GOOD.replace(b'"tie"', b'"t\xe9"'), "line 2: byte 46 is not UTF-8 text"),
    "cut.jsonl.gz": (gzip.compress(GOOD)[:-9], "cannot be read: Compressed file ended before"),
    "lines.json": (GOOD, "is not a list of objects"),
    "deep.json": (b"[" * 100_000, "row 1: is nested too deeply"),
    "cut.json.gz": (gzip.compress(LIST)[:-9], "cannot be read: Compressed file ended before"),
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


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,{long},tie", "has a row that is longer than 4 MB"),
        ('"a,b,tie\n{long}', "row 2: a quotation mark is never closed"),
    ],
)
def test_a_value_without_end_is_one_line(tmp_path, row, says):
    path = battles(tmp_path, "a,b,tie", row.format(long="x" * 2 * delimited.BLOCK))
    assert refused(path) == says


def test_a_parquet_file_that_is_cut_or_overwritten_is_one_line(tmp_path):
    pq.write_table(pa.Table.from_pylist(fights() * 1000), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for place in (-4, -20, -len(whole) // 2):
        assert refused(made(tmp_path, "cut.parquet", whole[:place])).startswith(
            "cannot be read: Parquet magic bytes not found"
        )
    for damaged in (whole[:100] + bytes(200) + whole[300:], whole[:-60] + b"\xff" * 52 + whole[-8:]):
        assert refused(made(tmp_path, "damaged.parquet", damaged)).startswith("cannot be read: ")


@pytest.mark.parametrize("encoded", [False, True])
def test_text_in_parquet_that_is_not_utf8_is_named_by_row(tmp_path, encoded):
    names = pa.array([b"a", b"a", b"caf\xe9"]).cast(pa.binary()).view(pa.string())
    table = {"model_a": names, "model_b": ["b", "c", "b"], "winner": ["tie", "tie", "model_a"]}
    pq.write_table(pa.table(table), tmp_path / "battles.parquet", use_dictionary=encoded)
    assert refused(tmp_path / "battles.parquet") == "row 3: model_a is not UTF-8 text"


def test_a_folder_nothing_and_a_name_that_is_too_long_are_named(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    assert refused(tmp_path / f"{'x' * 300}.csv").startswith("cannot be read: ")
    assert refused(tmp_path / "folder.csv") == "cannot be read: it is a folder"
    assert refused(tmp_path / "nowhere.csv") == "cannot be read: it is not there"


def test_a_parquet_file_with_columns_of_another_type_is_refused_by_row(tmp_path):
    path = tmp_path / "battles.parquet"
    pq.write_table(pa.table({"model_a": [["a"]], "model_b": ["b"], "winner": ["tie"]}), path)
    assert "row 1: model_a holds list" in refused(path)
    pq.write_table(pa.table({"model_a": ["a", None], "model_b": ["b", "c"], "winner": ["tie", "tie"]}), path)
    assert refused(path) == "row 2: model_a is empty"


def test_a_hundred_thousand_models_are_refused_before_the_file_is_read_to_its_end(tmp_path):
    rows = (f"m{place},m{place + 1},tie" for place in range(100_000))
    path = battles(tmp_path, *rows, "a,b,no winner")
    assert refused(path) == "row 5001: model_a is one model more than the 5000 there may be"


def test_models_of_both_columns_are_counted_together(tmp_path):
    rows = (f"a{place},b{place},tie" for place in range(3000))
    assert refused(battles(tmp_path, *rows)) == "holds 6000 models; at most 5000 can be rated together"


def test_models_that_are_not_asked_for_do_not_count(tmp_path):
    rows = [*(f"m{place},m{place + 1},tie,bob" for place in range(6000)), "a,b,tie,ann"]
    path = battles(tmp_path, *rows, head=f"{HEAD},judge")
    assert told(path, "--source", "judge:ann")["n"] == 1
    assert refused(path, "--source", "judge:bob") == "holds 6001 models; at most 5000 can be rated together"


def test_a_column_of_numbers_is_no_column_to_group_ten_thousand_boards_by(tmp_path):
    rows = (f"a,b,tie,{place}" for place in range(10_001))
    path = battles(tmp_path, *rows, head=f"{HEAD},tstamp")
    assert refused(path, "--group", "tstamp") == "row 10001: tstamp is one group more than the 10000 there may be"
    assert refused(path, "--group", "tstamp", "--method", "elo").startswith("tstamp cannot be a column of words and")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--group", "language"), "has no column language"),
        (("--cluster", "prompt"), "has no column prompt"),
        (("--anonymous-only",), "has no column anony"),
        (("--source", "judge:ann"), "has no column judge"),
        (("--method", "elo", "--k", "0"), "Elo with k 0"),
        (("--baseline", "z"), "holds no model z; there are: a, b"),
        (("--style", "length"), "has no columns length_a and length_b for style; there are none"),
        (("--method", "style"), "has no pair of number columns such as length_a and length_b"),
    ],
)
def test_an_option_that_the_file_cannot_serve_is_named(tmp_path, options, says):
    assert refused(battles(tmp_path, "a,b,tie", "a,b,model_b"), *options).startswith(says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--method", "elo", "--strong", "3"), "--strong 3 goes with method bt, not elo"),
        (
            ("--method", "elo", "--anchor", "a=1"),
            "--anchor goes with method bt or style or davidson or rao_kupper, not elo",
        ),
        (("--method", "bt", "--baseline", "a"), "--baseline goes with method win_rate, not bt"),
        (("--method", "bt", "--style", "length"), "--style goes with method style, not bt"),
        (("--method", "bt", "--centred"), "--centred goes with method style, not bt"),
        (("--method", "davidson", "--bootstrap", "9"), "--bootstrap goes with method bt, not davidson"),
        (
            ("--bootstrap", "9", "--strong", "3"),
            "--bootstrap draws battles that all count the same: not with --strong 3",
        ),
    ],
)
def test_options_that_say_nothing_to_the_method_are_refused_before_the_file_is_opened(tmp_path, options, says):
    with pytest.raises(CommandError, match=f"^{re.escape(says)}$") as caught:
        said(tmp_path / "nowhere.csv", *options)
    assert caught.value.returncode == 2


@pytest.mark.parametrize("options", [("--level", "2"), ("--level", "wide"), ("--bootstrap", "1"), ("--anchor", "a=b")])
def test_a_number_that_cannot_be_is_refused_with_the_option(tmp_path, options):
    with pytest.raises(CommandError, match=f"argument {options[0]}: '{options[1]}' is not "):
        said(tmp_path / "nowhere.csv", *options)


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
