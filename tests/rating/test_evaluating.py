"""`run(config)`: a whole evaluation as one call, from a mapping or a file, to rows of a leaderboard."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from arena.loading import BadInput
from arena.models import Answer, Benchmark, LanguageModel
from judging import running
from judging.models import Judge, Preference, Rubric, Run
from judging.recipes import read_recipe
from rating.evaluating import Outcome, Unfinished, estimated, run
from rating.models import Snapshot
from tests import openai_server
from tests.judging.asked import asked, words
from tests.judging.llmuses_files import adapted

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("Ash", "Birch", "Cedar")
TABLES = (Benchmark, Answer, LanguageModel, Judge, Rubric, Run, Preference, Snapshot)


@pytest.fixture
def server():
    with openai_server.serve() as served:
        yield served


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Four questions and three models' answers, in the working directory; later models have more words."""
    questions = [{"key": f"q{n}", "category": "cooking", "turns": [f"How long does egg {n} boil?"]} for n in range(4)]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions))
    for place, name in enumerate(NAMES):
        rows = [{"question": f"q{n}", "turns": [words(5 + 20 * place, n)]} for n in range(4)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(server, **more) -> dict:
    """A pairwise evaluation by one judge, in both orders: 4 questions × 3 battles × 2 calls; both orders are one vote."""
    judge = {"kind": "llm", "name": "oracle", "version": "1", "vendor": "Delphi", "provider": "openai"}
    return {
        "name": "eggs",
        "mode": "pairwise",
        "benchmark": {"name": "pantry", "questions": "q.jsonl"},
        "models": [{"name": name, "version": "1", "vendor": "N", "answers": f"{name}.jsonl"} for name in NAMES],
        "judges": [{**judge, "base_url": server.base_url, "model": "oracle"}],
        **more,
    }


def in_a_file(folder: Path, told: dict) -> Path:
    (folder / "eggs.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    return folder / "eggs.yaml"


def counts() -> list[int]:
    return [table.objects.count() for table in TABLES]


def test_a_mapping_leads_to_a_leaderboard(server, folder):
    outcome = run(config(server))
    assert isinstance(outcome, Outcome) and server.count == 24
    assert (outcome.run.status, outcome.progress.done, outcome.progress.total) == ("done", 24, 24)
    board = outcome.leaderboard
    assert [row["model"] for row in board["rows"]] == ["Cedar", "Birch", "Ash"]
    assert [row["rank"] for row in board["rows"]] == [1, 2, 3] and (board["benchmark"], board["n"]) == ("pantry", 12)
    assert board["rows"][0]["win_rate"] == 1 and board["rows"][2]["win_rate"] == 0
    told = outcome.as_json()
    assert told["judges"] == [{"judge": "oracle", "done": 24, "failed": 0, "total": 24}]
    assert (told["run"], told["failures"], told["leaderboard"]) == (outcome.run.pk, [], board)
    json.dumps(told)


def test_a_file_and_a_mapping_of_the_same_keys_are_the_same_run(server, folder):
    first = run(config(server))
    server.forget()
    second = run(in_a_file(folder, config(server)))
    third = run(str(in_a_file(folder, config(server))))
    fourth = run(read_recipe(in_a_file(folder, config(server))))
    assert server.count == 0 and first.run == second.run == third.run == fourth.run
    assert first.leaderboard == second.leaderboard == third.leaderboard == fourth.leaderboard
    assert first.settings == second.settings


def test_the_effective_settings_are_echoed_those_too_that_were_not_said(server, folder):
    told = run(config(server, turns="each", limits={"concurrency": 3}), stages=("judgments",)).settings
    echoed = {name: told[name] for name in ("name", "mode", "order", "turns", "budget", "cache", "limits", "seed")}
    assert echoed == {
        "name": "eggs",
        "mode": "pairwise",
        "order": "both",
        "turns": "each",
        "budget": None,
        "cache": True,
        "limits": {"concurrency": 3},
        "seed": 1,
    }
    assert (told["models"], told["judges"], told["rubric"], told["dry_run"]) == (
        list(NAMES),
        ["oracle"],
        "standard",
        False,
    )
    assert told["stages"] == ["answers", "judgments", "ratings"] and "file" not in told
    assert str(folder) not in json.dumps(told) and Run.objects.get().recipe == told


def test_an_unknown_key_is_named_and_nothing_is_written_and_nobody_asked(server, folder):
    with pytest.raises(BadInput) as told:
        run(config(server, tuns="each", judges=[{**config(server)["judges"][0], "sample": 3}]))
    lines = sorted(line.partition(";")[0] for line in str(told.value).splitlines())
    assert lines == [
        "config: judges[0].sample: is not a key of judges[0]",
        "config: tuns: is not a key of a recipe",
    ]
    with pytest.raises(BadInput, match=r"eggs\.yaml:\d+: tuns: is not a key of a recipe"):
        run(in_a_file(folder, config(server, tuns="each")))
    assert counts() == [0] * len(TABLES) and server.count == 0


def test_what_is_no_plain_data_is_refused(server, folder):
    with pytest.raises(BadInput, match="is not plain data"):
        run(config(server, limits={"questions": object()}))


def test_a_mapping_is_left_as_it_was(server, folder):
    told = config(server)
    before = json.dumps(told)
    run(told, limit=1)
    assert json.dumps(told) == before and server.count == 6


def test_the_estimate_is_what_the_run_then_asks_and_leaves_nothing_behind(server, folder):
    told = estimated(config(server))
    assert counts() == [0] * len(TABLES) and server.count == 0
    run(config(server))
    assert server.count == told.judges[0].calls == told.judges[0].calls_at_most == 24
    before = counts()
    assert estimated(config(server)).judges[0].calls == 0 and counts() == before
    other = config(server, judges=[{**config(server)["judges"][0], "samples": 3}])
    bill = estimated(other).judges[0]
    server.forget()
    run(other)
    assert (bill.calls, bill.calls_at_most) == (48, 72) and bill.calls <= server.count <= bill.calls_at_most
    anew = estimated(config(server, name="again", cache=False, order="fixed"))
    assert anew.judges[0].calls == 12 and any("kept apart as trial 1" in note for note in anew.notes)


def test_the_estimate_says_what_of_a_recipe_has_no_effect(shared, tmp_path):
    file = adapted(shared, "arena", tmp_path)
    told = estimated(file, limit=1)
    assert any("generation_config has no effect here" in note for note in told.notes)
    out = StringIO()
    call_command("evaluate", str(file), estimate=True, limit=1, stdout=out)
    assert "note: answers_gen." in out.getvalue()


def test_a_panel_from_python_is_asked_member_by_member(server, folder):
    oracle = config(server)["judges"][0]
    members = [{**oracle, "name": name, "model": name, "weight": 2} for name in ("first", "second")]
    outcome = run(config(server, judges=[{"kind": "panel", "name": "jury", "members": members}]))
    assert asked(server) == {"first": 24, "second": 24}
    assert outcome.as_json()["judges"] == [{"judge": "jury", "done": 24, "failed": 0, "total": 24}]


def test_answers_are_collected_judged_and_rated_in_one_go(server, folder):
    models = [
        {"name": name, "version": "1", "vendor": "N", "provider": "openai", "base_url": server.base_url, "model": name}
        for name in NAMES
    ]
    outcome = run(config(server, models=models, cache=False))
    assert asked(server) == {"Ash": 4, "Birch": 4, "Cedar": 4, "oracle": 24}
    assert outcome.progress.answers.done == 12 and outcome.leaderboard["n"] == 12


def test_a_spent_budget_is_unfinished_and_a_raised_one_goes_on_with_the_same_run(server, folder):
    oracle = {**config(server)["judges"][0], "price_in": 0, "price_out": 1e6}
    with pytest.raises(Unfinished, match=r"^run \d+ is paused: the budget of 50 is spent"):
        run(config(server, judges=[oracle], budget=50))
    asked_by_then = server.count
    assert 0 < asked_by_then < 24
    with pytest.raises(Unfinished, match="the budget of 50 is spent"):
        run(config(server, judges=[oracle], budget=50))
    assert server.count == asked_by_then
    outcome = run(config(server, judges=[oracle], budget=5000))
    assert server.count == 24 and outcome.run.status == "done" and Run.objects.count() == 1
    assert outcome.settings["budget"] == 5000


def test_failures_are_told_and_asked_again_on_request(server, folder):
    with openai_server.serve(garble=1) as garbled:
        outcome = run(config(garbled))
        assert outcome.as_json()["failures"][0]["n"] == 24 and outcome.leaderboard is None
    said = []
    outcome = run(config(server), retry=True, say=said.append)
    assert server.count == 24 and "24 failed before and are asked again" in said
    assert outcome.leaderboard["n"] == 12
    again = []
    run(config(server), say=again.append)
    assert server.count == 24 and "nothing was missing: nobody was asked" in again


def test_only_the_stages_asked_for_are_carried_out(server, folder):
    outcome = run(config(server), stages=("judgments",))
    assert outcome.leaderboard is None and outcome.board is None and not Snapshot.objects.exists()
    assert run(config(server), stages=("ratings",)).leaderboard["n"] == 12 and server.count == 24


def test_a_run_that_somebody_pauses_is_unfinished_and_goes_on(folder):
    def pause(made):
        if Preference.objects.exists():
            running.pause(made)

    with openai_server.serve(latency=0.05) as server:
        with pytest.raises(Unfinished, match="is paused, not done: what was saved stays"):
            run(config(server, limits={"concurrency": 1}), watch=pause)
        assert 0 < Preference.objects.count() == server.count < 24
        assert run(config(server, limits={"concurrency": 8})).progress.done == 24
        assert server.count == 24


def test_a_dry_run_calls_nobody_and_rates_nothing(server, folder):
    outcome = run(config(server), dry_run=True)
    assert server.count == 0 and outcome.leaderboard is None
    assert outcome.settings["dry_run"] and outcome.progress.done == 24
