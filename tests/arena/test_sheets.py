"""CSV for spreadsheets: no text becomes a formula, nothing else changes."""

from __future__ import annotations

import csv
import io

import pytest

from arena.sheets import as_csv


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_would_be_a_formula_stands_after_an_apostrophe(text):
    assert read(as_csv(["name"], [[text]])) == [["name"], [f"'{text}"]]


@pytest.mark.parametrize(
    ("value", "told"),
    [(-1.5, "-1.5"), (0, "0"), (None, ""), ("", ""), ("a=b", "a=b"), ("'=1", "'=1"), ("行\n二", "行\n二")],
)
def test_everything_else_stays_what_it_is(value, told):
    assert read(as_csv(["name", "beside"], [[value, 1]])) == [["name", "beside"], [told, "1"]]


def test_a_head_without_rows_is_one_line():
    assert as_csv(["a", "b"], []) == "a,b\n"
