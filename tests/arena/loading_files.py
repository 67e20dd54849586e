"""Files of published formats in tests: written, loaded by the real command, refused by it."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from arena.models import Answer, Battle, Benchmark, Category, LanguageModel, Question
from judging.models import Grade, Judge, Preference, Rubric, Run

TABLES = (
    Benchmark,
    Category,
    Question,
    LanguageModel,
    Answer,
    Battle,
    Judge,
    Rubric,
    Run,
    Preference,
    Grade,
)


def write(file: Path, *rows) -> Path:
    """A JSONL file of these rows; a text is a line as it stands."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def load(format_: str, *paths: Path, **options) -> dict:
    """The report of loading these paths, as the command prints it for programs."""
    out = StringIO()
    call_command("load", format_, *map(str, paths), format="json", stdout=out, **options)
    return json.loads(out.getvalue())


def state() -> list[list[dict]]:
    """Every row of every table that loading writes."""
    return [list(table.objects.order_by("pk").values()) for table in TABLES]


def loaded_twice(format_: str, *paths: Path, **options) -> Counter:
    """The counts of the first load; the second changes nothing at all."""
    counts = Counter(load(format_, *paths, **options)["counts"])
    before = state()
    load(format_, *paths, **options)
    assert state() == before
    return counts


def refusal(format_: str, *paths: Path, **options) -> list[str]:
    """What the command says when it refuses: one line a problem. Nothing may have been written."""
    before = state()
    with pytest.raises(CommandError) as refused:
        call_command("load", format_, *map(str, paths), stdout=StringIO(), **options)
    assert refused.value.returncode == 1
    assert state() == before
    *problems, last = str(refused.value).splitlines()
    assert last == "nothing was written"
    return problems
