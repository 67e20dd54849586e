"""Sentences about files: English as they stand, Chinese on a page, their values the same in both."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import override

from arena.loading import Problem, Report
from arena.loading.said import either, in_words, kept, listed, together
from arena.loading.said import said as _

READERS = sorted((settings.BASE_DIR / "arena" / "loading").glob("*.py"))
WRITERS = [
    settings.BASE_DIR / "judging" / f"{name}.py" for name in ("importing", "joining_orders", "judged_answers")
] + [settings.BASE_DIR / "rating" / "upload_contents.py"]


def test_a_sentence_stands_in_english_and_says_itself_in_another_language():
    sentence = _("is %(kind)s, not %(known)s", kind=_("a list"), known=either([_("text"), _("a whole number")]))
    assert sentence == "is a list, not text or a whole number"
    assert json.dumps(sentence) == '"is a list, not text or a whole number"'
    told = json.loads(json.dumps(kept(sentence)))
    with override("zh-hans"):
        assert in_words(told) == "是列表，而不是文本或整数"
    with override("en"):
        assert in_words(told) == sentence


def test_what_is_no_sentence_of_ours_stays_as_it_is():
    with override("zh-hans"):
        assert in_words(kept("line %(n)s is odd")) == "line %(n)s is odd"


def test_values_are_cleaned_and_words_are_not():
    told = kept(
        _("%(file)s: %(note)s", file="/srv/file/q.jsonl", note="100%"), lambda text: text.replace("/srv/file/", "")
    )
    assert in_words(told) == "q.jsonl: 100%"


def test_what_is_neither_text_nor_number_is_kept_as_it_reads():
    assert kept(_("%(file)s: %(note)s", file=Path("q"), note=3))["values"] == {"file": "q", "note": 3}


@pytest.mark.parametrize("names", [[], ["one"], ["one", "two", "three"]])
def test_several_are_told_with_words_between_them(names):
    told = (either(names), together(names), listed(names))
    assert told == (" or ".join(names), " and ".join(names), ", ".join(names))


def test_a_problem_and_a_note_are_told_to_programs_in_english():
    report = Report(notes=[_("nested too deep")], problems=[Problem("q.jsonl", 1, "", _("is empty"))])
    with override("zh-hans"):
        told = json.loads(json.dumps(report.as_json()))
    assert (told["notes"], told["problems"][0]["text"]) == (["nested too deep"], "q.jsonl:1: is empty")


def bare(path: Path) -> Iterator[str]:
    """Where English goes into a problem or a note as it stands, which no page could say in another language."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (sentence := _sentence(node)) is not None:
            for part in [sentence.body, sentence.orelse] if isinstance(sentence, ast.IfExp) else [sentence]:
                if isinstance(part, ast.JoinedStr | ast.Constant):
                    yield f"{path.name}:{part.lineno}"


def _sentence(call: ast.Call) -> ast.expr | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = {"problem": 1, "note": 0, "Problem": 3}.get(name)
    return call.args[place] if place is not None and len(call.args) > place else None


@pytest.mark.parametrize("path", [*READERS, *WRITERS], ids=lambda path: path.name)
def test_all_that_is_said_of_files_can_be_said_in_another_language(path):
    assert list(bare(path)) == []
