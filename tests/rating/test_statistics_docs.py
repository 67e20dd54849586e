"""What docs/statistics says of notes, commands and recipes is what there is, in both languages."""

import json
import re
import shlex
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from bench.records import USUAL
from rating import stats
from rating.models import Leaderboard
from rating.snapshots import recipe
from rating.words import NOTES

DOCS = Path(__file__).resolve().parents[2] / "docs"
in_both = pytest.mark.parametrize("name", ["statistics.md", "statistics.zh.md"])


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```", text(name), flags=re.MULTILINE | re.DOTALL)


@in_both
def test_every_note_of_a_rating_is_explained(name):
    notes = {note for note in NOTES if re.fullmatch("[a-z]+(_[a-z]+)*", note)} - {"few"}
    assert {note for note in notes if f"`{note}`" not in text(name)} == set()


def test_both_languages_show_the_same_commands_names_and_recipe():
    assert blocks("statistics.md") == blocks("statistics.zh.md")
    names, chinese = (set(re.findall(r"`([a-z_]+)`", text(name))) for name in ("statistics.md", "statistics.zh.md"))
    assert names == chinese


def test_the_functions_that_are_named_are_there():
    named = re.search(r"From Python.*?\n\n", text("statistics.md"), flags=re.DOTALL)
    functions = set(re.findall(r"`([a-z_]+)`", named[0]))
    assert len(functions) > 5
    assert {function for function in functions if not hasattr(stats, function)} == set()


def test_the_commands_run_as_they_are_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = []
    for line in blocks("statistics.md")[0].replace("\\\n", " ").splitlines():
        words = shlex.split(line)
        if words[0] == "printf":
            Path(words[-1]).write_text("\n".join(words[2 : words.index(">")]) + "\n", encoding="utf-8")
        else:
            out = StringIO()
            call_command(*words[2:], stdout=out)
            said.append(out.getvalue())
    assert [re.search("large|0.545", told)[0] for told in said] == ["large", "0.545"]


@pytest.mark.django_db
def test_the_recipe_is_the_default_one():
    shown, (told, _) = json.loads(blocks("statistics.md")[1]), recipe(Leaderboard())
    assert shown.pop("profile") == ""
    assert shown == {key: told[key] for key in shown}


def test_an_example_of_kappas_fall_is_right():
    """100 items: both say A on 85, one of the two alone on 7 and 8."""
    one, other = np.repeat([0, 0, 1], [85, 7, 8]), np.repeat([0, 1, 0], [85, 7, 8])
    found = stats.agree(np.tile(np.arange(100), 2), np.repeat([0, 1], 100), np.concatenate([one, other]), values=2)
    numbers = f"{found.raw:.0%}".replace("%", " %"), f"{found.kappa:.2f}".replace("-", "−"), f"{found.ac1:.2f}"
    for name in ("statistics.md", "statistics.zh.md"):
        assert all(number in text(name) for number in numbers)


def test_four_times_the_questions_halve_an_interval_and_four_times_the_votes_take_a_quarter_off():
    random = np.random.default_rng(3)

    def width(questions: int, battles: int) -> float:
        arena = replace(USUAL, questions=questions, battles=battles)
        boards = [stats.fit(arena.battles_of(random), arena.models) for _ in range(25)]
        return float(np.mean([board.high - board.low for board in boards]))

    usual = width(80, 1600)
    assert width(320, 6400) / usual == pytest.approx(0.5, abs=0.03)
    assert width(80, 6400) / usual == pytest.approx(0.75, abs=0.05)
