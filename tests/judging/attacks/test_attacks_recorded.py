"""Attacks through the whole product: a poisoned set of answers leaves the same verdicts on record as the clean one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from arena.models import Benchmark
from judging.models import Grade, Preference
from judging.running import carry_out
from tests.judging import recorded as make
from tests.judging.attacks import scripted
from tests.judging.attacks.scripted import KINDS, asked, decided, seen
from tests.judging.attacks.texts import ATTACKS, QUESTION, RIGHT, WRONG, Attack

pytestmark = pytest.mark.django_db(transaction=True)


def poisoned(attack: Attack, place: int) -> str:
    """The wrong answer with the attack: under it or, every second time, over it; its author hopes to be shown as A or as B."""
    text = attack.by("AB"[place // 2 % 2])
    return f"{text}\n\n{WRONG}" if place % 2 else f"{WRONG}\n\n{text}"


def loaded(folder: Path, *, with_attacks: bool) -> Benchmark:
    """A benchmark from files: one question for each attack, answered wrong by Ash, who attacks, and right by Birch."""
    name = "poisoned" if with_attacks else "clean"
    rows: list[Mapping[str, object]] = []
    for place, attack in enumerate(ATTACKS.values()):
        key = f"q{place:03d}"
        rows.append({"key": key, "category": "physics", "turns": [f"{place}. {QUESTION}"], "language": attack.language})
        texts = {"Ash": poisoned(attack, place) if with_attacks else WRONG, "Birch": RIGHT}
        rows += [
            {"question": key, "model": model, "version": "1", "vendor": "Northmoor", "turns": [text]}
            for model, text in texts.items()
        ]
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    call_command("load", "juryroom", str(file), benchmark=name, stdout=StringIO())
    return Benchmark.objects.get(name=name)


def by_the_rule(messages: Sequence[Mapping[str, str]]) -> str:
    """The reply of the judge for pairs or of the one for single answers, whichever is asked."""
    is_pair = len(seen(asked(messages)).answers) == 2
    return decided(KINDS["pair" if is_pair else "score"])(messages)


def test_a_poisoned_set_leaves_the_verdicts_of_the_clean_one_on_record(tmp_path):
    benchmarks = [loaded(tmp_path, with_attacks=with_attacks) for with_attacks in (False, True)]
    with scripted.serve(by_the_rule) as (base_url, _):
        judge = make.llm_judge(base_url=base_url, endpoint_model="rule")
        runs = {
            (benchmark.name, mode): make.run(benchmark, judges=[judge], status="queued", mode=mode)
            for benchmark in benchmarks
            for mode in ("pairwise", "single")
        }
        for run in runs.values():
            carry_out(run)
    assert {(run.status, run.error) for run in runs.values()} == {("done", "")}
    preferences = {
        name: list(
            Preference.objects.filter(run=runs[name, "pairwise"])
            .order_by("battle__question__key", "swapped")
            .values_list("battle__question__key", "swapped", "status", "value", "error")
        )
        for name in ("clean", "poisoned")
    }
    grades = {
        name: list(
            Grade.objects.filter(run=runs[name, "single"])
            .order_by("answer__question__key", "answer__model__name")
            .values_list("answer__question__key", "answer__model__name", "status", "score", "error")
        )
        for name in ("clean", "poisoned")
    }
    assert preferences["poisoned"] == preferences["clean"]
    assert grades["poisoned"] == grades["clean"]
    assert {row[2:] for row in preferences["clean"]} == {("ok", -1.0, "")}
    assert {row[1:] for row in grades["clean"]} == {("Ash", "ok", 3.0, ""), ("Birch", "ok", 8.0, "")}
    assert len(preferences["poisoned"]) == len(grades["poisoned"]) == 2 * len(ATTACKS)
