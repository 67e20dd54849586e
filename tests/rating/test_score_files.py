"""Tables of scores from files: what is read, what is refused and how that is told, what is written."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from arena.models import LanguageModel
from rating.models import Score
from rating.score_files import BadScores, read_scores, write_scores

HEAD = "model,version,benchmark,category,metric,value,unit,n,target,source,kind,lower_is_better"
LINE = "Ash,1,MMLU,Humanities,accuracy,.4111,share,4692,.45,paper,objective,false"


@pytest.fixture
def ash(db):
    return LanguageModel.objects.create(name="Ash", version="1", vendor="Northmoor")


def saved(tmp_path, *lines: str, name: str = "scores.csv"):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refused(path) -> str:
    with pytest.raises(BadScores) as error:
        read_scores(path)
    return str(error.value)


def test_a_row_says_all_that_a_score_is(tmp_path, ash):
    [row] = read_scores(saved(tmp_path, HEAD, LINE))
    assert (row.model, row.benchmark, row.category, row.value, row.n, row.target) == (
        "Ash",
        "MMLU",
        "Humanities",
        0.4111,
        4692,
        0.45,
    )
    write_scores([row])
    score = Score.objects.get()
    assert (score.model, score.kind, score.unit, score.provenance) == (ash, "objective", "share", "imported")


def test_what_a_file_leaves_out_is_not_made_up(tmp_path, ash):
    write_scores(read_scores(saved(tmp_path, "model,benchmark,metric,value,source", "Ash,Speed,ms,12,bench")))
    score = Score.objects.get()
    assert (score.n, score.target, score.category, score.unit, score.lower_is_better) == (None, None, "", "", False)


def test_a_json_object_a_line_says_the_same(tmp_path, ash):
    told = {
        "model": "Ash",
        "benchmark": "MMLU",
        "metric": "accuracy",
        "value": 0.4,
        "source": "纸",
        "n": None,
        "lower_is_better": True,
    }
    [row] = read_scores(saved(tmp_path, json.dumps(told), "", name="scores.jsonl"))
    assert (row.value, row.source, row.n, row.lower_is_better) == (0.4, "纸", None, True)


def test_the_same_file_again_changes_nothing(tmp_path, ash):
    path = saved(tmp_path, HEAD, LINE)
    first, again = write_scores(read_scores(path)), write_scores(read_scores(path))
    assert (first.new, again.new, again.changed, again.same) == (1, 0, 0, 1)


def test_a_number_that_was_corrected_is_written_over(tmp_path, ash):
    write_scores(read_scores(saved(tmp_path, HEAD, LINE)))
    before = Score.objects.get().pk
    done = write_scores(read_scores(saved(tmp_path, HEAD, LINE.replace(".4111", ".5"))))
    assert done.changed == 1 and (Score.objects.get().pk, Score.objects.get().value) == (before, 0.5)


@pytest.mark.parametrize(
    ("field", "bad", "told"),
    [
        ("value", "", "value: is empty"),
        ("value", "45 %", "value: is not a number: '45 %'"),
        ("value", "nan", "value: is not a number"),
        ("value", "1.2", "value: is 1.2, which is not between 0 and 1"),
        ("n", "-1", "n: is not a whole number from 0"),
        ("n", "2.5", "n: is not a whole number from 0"),
        ("target", "high", "target: is not a number"),
        ("model", " ", "model: is empty"),
        ("source", "x" * 301, "source: is longer than 300 characters"),
        ("kind", "subjective", "kind: is one of objective, safety, speed"),
        ("lower_is_better", "maybe", "lower_is_better: is true or false"),
        ("metric", "a\x07b", "metric: holds a character that cannot be shown"),
    ],
)  # fmt: skip
def test_a_bad_value_names_file_line_and_field(tmp_path, field, bad, told):
    row = dict(zip(HEAD.split(","), LINE.split(","), strict=True)) | {field: bad}
    path = saved(tmp_path, HEAD, LINE.replace("Humanities", "STEM"), ",".join(row.values()))
    assert refused(path).startswith(f"{path}, line 3, {told}")


def test_a_missing_column_and_an_unknown_one_are_both_told(tmp_path):
    text = refused(saved(tmp_path, "model,benchmark,metric,value,origin", "Ash,MMLU,acc,1,paper"))
    assert "line 1, source: is missing" in text and "line 1, origin: is not a field of a score" in text


def test_a_row_of_another_length_is_told_by_its_line_also_after_a_value_of_two_lines(tmp_path):
    text = refused(saved(tmp_path, "model,benchmark,metric,value,source", 'Ash,"M', 'MLU",acc,1,p', "Ash,MMLU,acc,1"))
    assert "line 2, benchmark: holds a character" in text and "line 4: has 4 values for 5 columns" in text


def test_a_score_that_is_told_twice_is_refused_with_both_places(tmp_path):
    text = refused(saved(tmp_path, HEAD, LINE, LINE.replace(".4111", ".5")))
    assert "line 3, metric: this score was told before" in text and "line 2" in text


@pytest.mark.parametrize("line", ["{", "[1]", '{"model": "Ash"}', "[" * 100_000])
def test_a_line_that_is_no_score_is_told(tmp_path, line):
    assert "line 1" in refused(saved(tmp_path, line, name="scores.jsonl"))


def test_an_empty_file_and_one_that_is_no_text_are_told(tmp_path):
    assert "is missing" in refused(saved(tmp_path, ""))
    assert "holds no scores" in refused(saved(tmp_path, HEAD))
    path = tmp_path / "scores.csv"
    path.write_bytes(b"\xff\xfe\x00model")
    assert "cannot be read" in refused(path)
    assert "cannot be read" in refused(tmp_path / "nowhere.csv")


def test_a_model_there_is_not_and_a_version_left_open_are_told_and_nothing_is_written(tmp_path, ash):
    LanguageModel.objects.create(name="Ash", version="2", vendor="Northmoor")
    unknown, open_ = LINE.replace("Ash,1", "Oak,"), LINE.replace("Ash,1", "Ash,").replace("Humanities", "STEM")
    with pytest.raises(BadScores) as error:
        write_scores(read_scores(saved(tmp_path, HEAD, LINE, unknown, open_)))
    assert "line 3, model: there is no model 'Oak'" in str(error.value)
    assert "line 4, version: is missing, and 'Ash' has several: 1, 2" in str(error.value)
    assert not Score.objects.exists()


def test_one_score_told_with_and_without_its_version_is_refused(tmp_path, ash):
    with pytest.raises(BadScores):
        write_scores(read_scores(saved(tmp_path, HEAD, LINE, LINE.replace("Ash,1", "Ash,"))))


@pytest.mark.parametrize("count", [1, 40])
def test_the_queries_do_not_grow_with_the_file(tmp_path, ash, django_assert_num_queries, count):
    lines = [LINE.replace("Humanities", f"c{n}") for n in range(count)]
    rows = read_scores(saved(tmp_path, HEAD, *lines))
    with django_assert_num_queries(5):  # models, savepoint, what is there, what is new, savepoint
        write_scores(rows)


def loaded(*paths, **options) -> str:
    out = StringIO()
    call_command("load", "scores", *map(str, paths), stdout=out, **options)
    return out.getvalue()


def test_the_command_loads_tables_and_says_what_was_new(tmp_path, ash):
    path = saved(tmp_path, HEAD, LINE)
    assert "1  scores new" in loaded(path)
    assert json.loads(loaded(path, format="json")) == {
        "checked_only": False,
        "new": 0,
        "changed": 0,
        "same": 1,
        "left_out": 0,
    }


def test_a_check_writes_nothing(tmp_path, ash):
    assert "nothing written" in loaded(saved(tmp_path, HEAD, LINE), check=True)
    assert not Score.objects.exists()


def test_of_several_files_all_are_loaded_or_none(tmp_path, ash):
    good, bad = saved(tmp_path, HEAD, LINE), saved(tmp_path, HEAD, LINE.replace(".4111", "x"), name="bad.csv")
    with pytest.raises(CommandError, match=r"bad.csv, line 2, value: is not a number: 'x'\nnothing was written"):
        loaded(good, bad)
    assert not Score.objects.exists()


def test_options_that_a_table_says_itself_are_refused(tmp_path, ash):
    with pytest.raises(CommandError, match="--benchmark: a table of scores says this itself"):
        loaded(saved(tmp_path, HEAD, LINE), benchmark="MMLU")
