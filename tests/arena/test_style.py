"""The style of an answer: length, headers, lists, bold; code is no markdown."""

from __future__ import annotations

import time

import pytest

from arena.models import Answer
from arena.style import Style, style_of
from tests.judging import recorded as make


@pytest.mark.parametrize(
    ("text", "headers", "lists", "bold"),
    [
        ("plain words, 2 * 3 * 4 and snake__case__name", 0, 0, 0),
        ("# One\ntext\n### Three\n####### no header\n#hashtag", 2, 0, 0),
        ("- a\n* b\n+ c\n1. d\n  2) nested\n-no item\n12 no item", 0, 5, 0),
        ("**bold** and __also__ and ** not ** and **two**", 0, 0, 3),
        ("```\n# no header\n- no item\n**no bold**\n```\n# One", 1, 0, 0),
        ("~~~py\n# no header\n~~~\n- one", 0, 1, 0),
        ("```\n# never closed\n- all of it is code", 0, 0, 0),
        ("## 标题\n1. 第一\n**重点**", 1, 1, 1),
        ("", 0, 0, 0),
    ],
)
def test_markdown_outside_code_is_counted(text, headers, lists, bold):
    assert style_of([text]) == Style(len(text), headers, lists, bold)


def test_turns_add_up():
    assert style_of(["# a", "# b\n- c"]) == Style(10, 2, 1, 0)


@pytest.mark.parametrize("text", ["**", "__a", "`", "#", "```\n", "1.", " ", "** a", "__ a", "- "])
def test_a_hostile_answer_takes_ten_times_as_long_when_it_is_ten_times_as_long(text):
    def seconds(times: int) -> float:
        start = time.perf_counter()
        style_of([text * times])
        return time.perf_counter() - start

    assert seconds(200_000) < 100 * max(min(seconds(20_000) for _ in range(3)), 1e-4)


@pytest.mark.django_db
def test_an_answer_knows_its_style_from_the_moment_it_is_rendered():
    question = make.answered(make.benchmark())[0]
    made = make.answer(question, make.model("Elm"), "# Eggs\n- six **minutes**")
    made.save()
    kept = Answer.objects.get(pk=made.pk)
    assert (kept.length, kept.headers, kept.lists, kept.bold) == (24, 1, 1, 1)
