"""Files read object by object: JSON lists and lines, packed or not, and where each object stands."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from arena.loading.records import Report, objects_of


def read(file: Path) -> tuple[list[tuple[int, int, dict]], list[str]]:
    """Line, item and values of each object; and every problem."""
    report = Report()
    rows = [(row.line, row.item, row.values) for row in objects_of(file, report)]
    return rows, [str(problem).removeprefix(f"{file}") for problem in report.problems]


def test_the_objects_of_a_list_have_their_line_and_their_number(tmp_path):
    file = tmp_path / "list.json"
    file.write_text('[{"a": 1},\n\n  {"a":\n 2}, {"a": 3}\n]\n')
    assert read(file) == ([(1, 1, {"a": 1}), (3, 2, {"a": 2}), (4, 3, {"a": 3})], [])


def test_lines_and_lists_are_told_apart_whatever_the_name_and_packing(tmp_path):
    lines, whole = b'{"a": 1}\n{"a": 2}\n', b'\xef\xbb\xbf [{"a": 1}, {"a": 2}]'
    for name, content in {"lines.json": lines, "list.jsonl": whole, "list.json.gz": gzip.compress(whole)}.items():
        (tmp_path / name).write_bytes(content)
        rows, problems = read(tmp_path / name)
        assert [values for _line, _item, values in rows] == [{"a": 1}, {"a": 2}] and not problems


def test_an_empty_list_holds_nothing_and_is_no_problem(tmp_path):
    (tmp_path / "none.json").write_text(" [ ]\n")
    assert read(tmp_path / "none.json") == ([], [])


@pytest.mark.parametrize(
    ("text", "good", "problem"),
    [
        ('[{"a": 1},\n{"a": }]', 1, ":2 (item 2): is not JSON: Expecting value at column 7"),
        ('[{"a": 1},\n3]', 1, ":2 (item 2): is a whole number, not an object"),
        ('[{"a": 1},\n]', 1, ":2 (item 2): is not JSON: Expecting value at column 1"),
        ('[{"a": 1}\n{"a": 2}]', 1, ":2 (item 1): is not JSON: Expecting ',' or the list's end at column 1"),
        ('[{"a": 1}', 1, ":1 (item 1): is not JSON: Expecting ',' or the list's end at column 10"),
        ('[{"a": 1}] x', 1, ":1 (item 1): is not JSON: Expecting ',' or the list's end at column 10"),
        ('[{"a": NaN}]', 0, ":1 (item 1): is not JSON: NaN is no number"),
        ('[{"a": "b\\u0000"}]', 1, ":1 (item 1): a: holds a NUL or half a character"),
        ("[" * 50_000, 0, ":1 (item 1): is not JSON: nested too deep"),
    ],
)
def test_what_is_wrong_with_a_list_is_told_with_line_and_item(tmp_path, text, good, problem):
    (tmp_path / "bad.json").write_text(text)
    rows, problems = read(tmp_path / "bad.json")
    assert len(rows) == good and len(problems) == 1 and problems[0].startswith(problem)


def test_a_packed_file_that_is_cut_short_or_not_packed_is_a_problem(tmp_path):
    whole = gzip.compress(json.dumps([{"a": n} for n in range(2000)]).encode())
    for content in (whole[:-20], b'[{"a": 1}]'):
        (tmp_path / "bad.json.gz").write_bytes(content)
        _rows, problems = read(tmp_path / "bad.json.gz")
        assert problems and problems[0].startswith(": cannot be read: ")
