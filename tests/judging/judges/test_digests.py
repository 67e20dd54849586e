"""The hash of all that a judge sees: one character more is another prompt, and what it does not see changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.chat import Endpoint
from judging.judges.base import Case, Dimension, Exhibit, Level, PointKind, Points, RubricText, Template
from judging.judges.llm import LLMJudge

IDENTITY = {"name": "owl", "version": "1", "provider": "openai", "model": "owl-small", "options": {"temperature": 0}}
ENDPOINT = Endpoint(provider="openai", model="owl-small", base_url="http://127.0.0.1:9/v1", key="a key")
RUBRIC = RubricText(
    "helpful",
    {"en": "Judge the facts.", "zh": "只看事实。"},
    (Dimension("facts", {"en": "Facts", "zh": "事实"}, 2.0, {"en": "Are they true?"}, (Level(1, {"en": "false"}),)),),
)
PAIR = Exhibit(
    1,
    ("How long does an egg boil?",),
    (("Six minutes.",), ("An hour.",)),
    "Be brief.",
    ("Six minutes.",),
    (),
    "cooking",
)
SINGLE = replace(PAIR, answers=(("Six minutes.",),))
TEXT = st.text(min_size=1, max_size=30).filter(str.strip)


def judge(rubric: RubricText = RUBRIC, identity: dict[str, Any] = IDENTITY, **options: Any) -> LLMJudge:
    return LLMJudge.over(ENDPOINT, rubric, identity=identity, **options)


def digest(exhibit: Exhibit = PAIR, **how: Any) -> str:
    told = judge(**how).digest(exhibit)
    who, _, what = told.partition(":")
    assert (len(who), len(what)) == (16, 32)
    return told


def texts_of(exhibit: Exhibit) -> dict[str, Callable[[str], Exhibit]]:
    """Every text that a judge sees of an exhibit, each as a function that puts another in its place."""
    answers = exhibit.answers
    seen = {
        "question": lambda text: replace(exhibit, turns=(text,)),
        "system": lambda text: replace(exhibit, system=text),
        "reference": lambda text: replace(exhibit, reference=(text,)),
    }
    for place in range(len(answers)):

        def put(text: str, place: int = place) -> Exhibit:
            return replace(exhibit, answers=tuple((text,) if n == place else one for n, one in enumerate(answers)))

        seen[f"answer {place}"] = put
    return seen


@pytest.mark.parametrize("exhibit", [PAIR, SINGLE], ids=["pair", "single"])
@given(st.data())
def test_one_character_more_or_less_in_any_text_is_another_prompt(exhibit, data):
    name = data.draw(st.sampled_from(sorted(texts_of(exhibit))))
    put, text = texts_of(exhibit)[name], data.draw(TEXT)
    place = data.draw(st.integers(0, len(text)))
    other = text[:place] + data.draw(st.characters(codec="utf-8", categories=("L", "N"))) + text[place:]
    assert digest(put(text)) == digest(put(text)) != digest(put(other))


@given(TEXT, TEXT)
def test_texts_cannot_run_into_each_other(one, other):
    answers = ((one + other,), ("x",)), ((one,), (other + "x",))
    assert digest(replace(PAIR, answers=answers[0])) != digest(replace(PAIR, answers=answers[1]))


def test_the_other_order_and_another_turn_are_other_prompts():
    talk = replace(PAIR, turns=("One?", "Two?"), answers=(("a", "b"), ("c", "d")), reference=())
    seen = [talk, replace(talk, answers=talk.answers[::-1]), replace(talk, turn=1), replace(talk, turn=2)]
    assert len({digest(exhibit) for exhibit in seen}) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "hawk"},
        {"version": "2"},
        {"provider": "anthropic"},
        {"model": "owl-large"},
        {"options": {"temperature": 0.1}},
        {"options": {"temperature": 0, "top_p": 1}},
        {"options": {}},
    ],
    ids=str,
)
def test_another_model_or_parameter_is_another_judge(changed):
    assert digest() != digest(identity={**IDENTITY, **changed})


@pytest.mark.parametrize(
    "rubric",
    [
        replace(RUBRIC, instructions={**RUBRIC.instructions, "en": "Judge the facts!"}),
        replace(RUBRIC, instructions={**RUBRIC.instructions, "zh": "只看事实！"}),
        replace(RUBRIC, lowest=0.0),
        replace(RUBRIC, highest=5.0),
        replace(RUBRIC, dimensions=(replace(RUBRIC.dimensions[0], weight=3.0),)),
        replace(RUBRIC, dimensions=(replace(RUBRIC.dimensions[0], veto=2.0),)),
        replace(RUBRIC, dimensions=(replace(RUBRIC.dimensions[0], key="truth"),)),
        replace(RUBRIC, dimensions=(replace(RUBRIC.dimensions[0], description={"en": "Are they so?"}),)),
        replace(RUBRIC, dimensions=(replace(RUBRIC.dimensions[0], levels=(Level(1, {"en": "wrong"}),)),)),
        replace(RUBRIC, dimensions=(replace(RUBRIC.dimensions[0], levels=(Level(2, {"en": "false"}),)),)),
        replace(RUBRIC, dimensions=(), points=Points(5.0, (PointKind("a", 1.0, {"en": "A slip"}),))),
        replace(RUBRIC, dimensions=(), template=Template("{question} {answer}", form="[[rating]]")),
        replace(RUBRIC, variants={"cooking": replace(RUBRIC, instructions={"en": "Taste."})}),
    ],
    ids=range(13),
)
def test_another_word_weight_level_or_scale_of_the_rubric_is_another_judge(rubric):
    assert digest(SINGLE) != digest(SINGLE, rubric=rubric)


PUBLISHED = replace(RUBRIC, dimensions=(), template=Template("{question} {answer_a} {answer_b}", "Be fair."))
BY_CASE = replace(PUBLISHED, template=None, cases={Case(True, False): PUBLISHED})


@pytest.mark.parametrize(
    ("exhibit", "rubric", "known"),
    [
        (PAIR, RUBRIC, "64088ff7188d8b9b:4749b2573d226c238041887ecfa0f3ee"),
        (SINGLE, RUBRIC, "64088ff7188d8b9b:861fb164c62812f0fcfdfcbb919879f0"),
        (PAIR, PUBLISHED, "f66772d39fd7c23a:ff27c5ea772ee830cd95a59919a3cac1"),
        (PAIR, BY_CASE, "f66772d39fd7c23a:ff27c5ea772ee830cd95a59919a3cac1"),
    ],
)
def test_a_digest_stays_what_it_was_so_that_replies_on_record_are_found(exhibit, rubric, known):
    assert digest(exhibit, rubric=rubric) == known


@pytest.mark.parametrize(
    "options",
    [{"schema_bound": True}, {"samples": 3}, {"verdict": "logprobs"}, {"scale": "five"}, {"language": "zh"},
     {"preset": "auto_j"}, {"reference": "none"}, {"reference": "own"}],
    ids=str,
)  # fmt: skip
def test_another_way_of_asking_is_another_judge(options):
    assert digest() != digest(**options)


@pytest.mark.parametrize(
    "how",
    [
        {"concurrency": 99},
        {"attempts": 1},
        {"rubric": replace(RUBRIC, name="kind")},
        {"rubric": replace(RUBRIC, variants={"maths": replace(RUBRIC, instructions={"en": "Count."})})},
        {"rubric": replace(RUBRIC, variants={"cooking": RUBRIC}, only_variants=True)},
    ],
    ids=range(5),
)
def test_what_the_judge_does_not_see_changes_nothing(how):
    assert digest() == digest(**how)


@given(st.integers(), st.text(max_size=9), st.text(max_size=9))
def test_nor_does_who_answered_or_what_the_row_is_called(number, family, language):
    assert digest() == digest(replace(PAIR, id=number, families=(family, family), checks=({"type": language},)))


def test_nor_does_where_the_model_is_reached_or_with_which_key():
    elsewhere = Endpoint(
        provider="openai", model="owl-small", base_url="http://127.0.0.2:8/v1", key="another", timeout=1
    )
    assert LLMJudge.over(elsewhere, RUBRIC, identity=IDENTITY).digest(PAIR) == digest()
