"""AlpacaEval's leaderboard.csv by the command: figures of models that are here, never judgments."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from arena.models import LanguageModel
from judging.models import Judge
from rating.guessing import SCORES, guess
from rating.models import Score

pytestmark = pytest.mark.django_db

HEAD = ",win_rate,standard_error,n_wins,n_wins_base,n_draws,n_total,discrete_win_rate,mode,avg_length"
FINCH = "Finch,20.5,1.25,19,80,1,100,19.5,verified,900"
WREN = "Wren,10,1,10,90,0,100,10,community,800"


@pytest.fixture
def finch():
    return LanguageModel.objects.create(name="Finch", version="2", vendor="Northmoor")


def load(tmp_path, *lines: str, **options) -> str:
    path = tmp_path / "leaderboard.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = StringIO()
    call_command("load", "alpaca_eval", str(path), stdout=out, **options)
    return out.getvalue()


def refused(tmp_path, *lines: str) -> list[str]:
    with pytest.raises(CommandError) as error:
        load(tmp_path, *lines)
    assert not Score.objects.exists()
    *problems, last = str(error.value).splitlines()
    assert last == "nothing was written"
    return [text.replace(f"{tmp_path}/leaderboard.csv, ", "") for text in problems]


def test_figures_are_scores_of_the_models_that_are_here_and_the_others_are_counted(tmp_path, finch):
    out = load(tmp_path, HEAD, FINCH, WREN)
    assert "4  scores new" in out and "4  published scores left out, of models that are not here" in out
    rate = Score.objects.get(model=finch, metric="win rate")
    assert (rate.benchmark, rate.value, rate.unit, rate.n) == ("AlpacaEval", 20.5, "%", 100)
    assert (rate.source, rate.provenance, rate.kind) == ("AlpacaEval leaderboard (verified)", "imported", "objective")
    assert not Judge.objects.exists()
    assert "4  scores as before" in load(tmp_path, HEAD, FINCH, WREN)


def test_the_benchmark_is_named_by_whoever_loads_it(tmp_path, finch):
    load(tmp_path, HEAD, FINCH, benchmark="AlpacaEval 1")
    assert set(Score.objects.values_list("benchmark", flat=True)) == {"AlpacaEval 1"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (FINCH.replace("20.5", "120.5"), "line 2, win_rate: is 120.5, which is not between 0 and 100"),
        (FINCH.replace("20.5", "NaN"), "line 2, win_rate: is not a number: 'NaN'"),
        (FINCH.replace("1.25", "-1"), "line 2, standard_error: is -1, which is below 0"),
        (FINCH.replace(",80,", ",81,"), "line 2, n_total: is 100, and n_wins + n_wins_base + n_draws are 101"),
        (FINCH.replace("19.5", "91.5"), "line 2, discrete_win_rate: is 91.5, and the counts beside it make 19.50"),
        (FINCH.replace("Finch", ""), "line 2, model: is empty"),
        ("Owl" + FINCH[5:], "line 2, model: none of the 1 models is here in one version"),
    ],
)
def test_figures_that_cannot_be_are_refused_with_line_and_column(tmp_path, finch, line, problem):
    assert any(told.startswith(problem) for told in refused(tmp_path, HEAD, line))


def test_a_column_that_no_leaderboard_has_is_named(tmp_path, finch):
    [told] = refused(tmp_path, HEAD + ",elo", FINCH + ",1000")
    assert told == "line 1, elo: is not a column of a leaderboard as AlpacaEval publishes it"


def test_the_published_rows_of_alpaca_eval(shared):
    LanguageModel.objects.create(name="claude-2", version="1", vendor="unstated")
    file = shared / "data" / "alpaca_eval" / "leaderboard_published.csv"
    call_command("load", "alpaca_eval", str(file), stdout=StringIO())
    told = dict(Score.objects.values_list("metric", "value"))
    assert (round(told["win rate"], 2), round(told["length-controlled win rate"], 2)) == (17.19, 28.16)


def test_a_fault_that_all_figures_of_a_row_share_is_told_once_and_in_its_own_column(tmp_path, finch):
    assert refused(tmp_path, HEAD, FINCH.replace(",100,", ",many,").replace("verified", "v" * 400)) == [
        "line 2, mode: is longer than 300 characters",
        "line 2, n_total: is not a number: 'many'",
    ]


def test_rows_of_json_are_no_leaderboard_and_never_crash(tmp_path, finch):
    path = tmp_path / "leaderboard.jsonl"
    path.write_text('{"model": "Finch", "win_rate": 20.5, "standard_error": null, "n_total": 100}\n', encoding="utf-8")
    with pytest.raises(CommandError, match="line 1, benchmark: is missing"):
        call_command("load", "scores", str(path), stdout=StringIO())
    assert guess(path).format != SCORES and not Score.objects.exists()


def test_what_is_only_checked_is_not_said_to_be_written_anywhere(tmp_path):
    out = StringIO()
    path = tmp_path / "q.jsonl"
    path.write_text('{"key": "q1", "category": "c", "turns": ["Why?"]}\n', encoding="utf-8")
    call_command("load", "juryroom", str(path), benchmark="birds", check=True, stdout=out)
    assert out.getvalue().endswith("checked, nothing written\n")
