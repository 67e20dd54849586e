"""Published battle files rated without a database."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from rating.files import BadFile, read

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


def battles(tmp_path, *rows, name="battles.csv", head="model_a,model_b,winner"):
    path = tmp_path / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_the_anonymous_battles_of_2023_give_the_published_elo_table(shared, capsys):
    path = shared / "data" / "lmsys" / "battles_2023.json"
    call_command("rate", str(path), "--method", "elo", "--anonymous-only", "--format", "json")
    told = json.loads(capsys.readouterr().out)
    assert told["n"] == 4689
    assert {row["model"]: int(row["rating"]) for row in told["rows"]} == PUBLISHED
    ends = [row["rating"] for row in told["rows"]]
    assert (round(max(ends), 2), round(min(ends), 2)) == (1169.46, 858.95)


def test_time_decides_the_order_not_the_place_in_the_file(tmp_path):
    rows = ["a,b,model_a,3", "a,c,model_b,1", "b,c,tie,2"]
    file = read(battles(tmp_path, *rows, head="model_a,model_b,winner,tstamp"))
    assert [file.models[code] for code in file.battles.second] == ["c", "c", "b"]


def test_both_spellings_of_the_winner_column_are_read(tmp_path):
    assert read(battles(tmp_path, "a,b,tie (bothbad)", head="model_a,model_b,win")).battles.value.tolist() == [0.0]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["a,b,model_a", "a,b,left"], "row 2: winner is 'left'"),
        (["a,a,model_a"], "row 1: a fights itself"),
        (["a,,model_a"], "row 1: model_b is empty"),
        ([], "holds no battles"),
    ],
)
def test_a_bad_row_is_one_line_with_its_place(tmp_path, rows, says):
    path = battles(tmp_path, *rows)
    with pytest.raises(BadFile, match=f"{path}: .*{says}|{path}: {says}"):
        read(path)


def test_a_missing_column_and_a_strange_file_are_named(tmp_path):
    with pytest.raises(BadFile, match="no column winner"):
        read(battles(tmp_path, "a,b", head="model_a,model_b"))
    with pytest.raises(BadFile, match="not a .csv"):
        read(tmp_path / "battles.xlsx")
    with pytest.raises(BadFile, match="cannot be read"):
        read(tmp_path / "nowhere.csv")


def test_the_command_says_it_in_one_line_with_exit_code_2(tmp_path):
    with pytest.raises(CommandError) as caught:
        call_command("rate", str(battles(tmp_path, "a,b,left")))
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)
