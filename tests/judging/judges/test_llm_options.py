"""The options of a language model as judge: those that there are not, and those that do not go together, are refused by name."""

from dataclasses import replace
from itertools import combinations

import pytest

from arena.chat import Endpoint
from judging.judges.base import RubricText, Template
from judging.judges.llm import LLMJudge
from judging.judges.llm_options import identity_of, with_few_tokens
from judging.judges.sampling import MOST_SAMPLES
from judging.prompts import PRESETS, default_rubric

PAIR = default_rubric("pair")
PUBLISHED = RubricText("published", {}, template=Template("{question} {answer_a} {answer_b}"))
PARTLY = replace(PAIR, name="partly", variants={"math": PUBLISHED})
ENDPOINT = Endpoint("scripted", "fixed", key="secret", base_url="http://localhost:1", options={"temperature": 0})


def judge(rubric=PAIR, **options):
    return LLMJudge(lambda: None, rubric, **options)


@pytest.mark.parametrize("name", ["verdict", "scale", "preset", "reference"])
@pytest.mark.parametrize("value", ["nobody knows this", "Three", " text"])
def test_a_word_that_is_none_of_an_options_is_refused_with_its_name(name, value):
    with pytest.raises(ValueError, match=f"option '{name}' is one of .*, not {value!r}"):
        judge(**{name: value})


@pytest.mark.parametrize("samples", [0, -1, MOST_SAMPLES + 1, 2.0, "3", True, None])
def test_samples_are_a_whole_number_within_bounds(samples):
    with pytest.raises(ValueError, match=f"option 'samples' is a whole number from 1 to {MOST_SAMPLES}"):
        judge(samples=samples)


@pytest.mark.parametrize("samples", [1, 2, MOST_SAMPLES])
def test_the_bounds_of_samples_are_allowed(samples):
    assert judge(samples=samples).samples == samples


OURS = {"schema_bound": True, "verdict": "logprobs", "scale": "five", "language": "zh"}
"""What says how our own wording asks, each with a value that is not the usual one."""


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", OURS)
def test_a_preset_takes_none_of_the_options_of_our_own_wording(preset, name):
    with pytest.raises(ValueError, match=f"option '{name}' does not go with preset '{preset}'"):
        judge(preset=preset, **{name: OURS[name]})


@pytest.mark.parametrize("rubric", [PUBLISHED, PARTLY])
@pytest.mark.parametrize("name", ["schema_bound", "verdict", "scale"])
def test_nor_does_a_rubric_that_asks_by_a_template_in_any_category(rubric, name):
    with pytest.raises(ValueError, match=f"option '{name}' does not go with rubric {rubric.name}"):
        judge(rubric, **{name: OURS[name]})


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("rubric", [PUBLISHED, PARTLY])
def test_a_preset_and_a_template_are_two_prompts_for_one_verdict(preset, rubric):
    with pytest.raises(ValueError, match=f"option 'preset' does not go with rubric {rubric.name}"):
        judge(rubric, preset=preset)


@pytest.mark.parametrize("name", ["schema_bound", "scale"])
def test_a_single_token_is_no_json_and_no_degree(name):
    with pytest.raises(ValueError, match=f"option '{name}' does not go with verdict 'logprobs'"):
        judge(verdict="logprobs", **{name: OURS[name]})


TOGETHER = [
    {"schema_bound": True, "scale": "five", "language": "zh"},
    {"verdict": "logprobs", "language": "zh"},
    {"samples": 5, "reference": "own", "verdict": "logprobs"},
    {"samples": 4, "reference": "none", "scale": "five"},
    *({"preset": preset, "samples": 3, "reference": "none"} for preset in PRESETS),
]


@pytest.mark.parametrize("options", TOGETHER)
def test_what_goes_together_is_allowed(options):
    assert judge(**options)


def test_the_language_of_our_own_prompts_goes_with_a_rubric_that_is_a_template_in_one_category():
    assert judge(PARTLY, language="zh", samples=3, reference="own")


ONLY_PUBLISHED = replace(PAIR, name="only", variants={"math": PUBLISHED}, only_variants=True)


@pytest.mark.parametrize("rubric", [PUBLISHED, ONLY_PUBLISHED])
@pytest.mark.parametrize("name", OURS)
def test_where_every_prompt_is_a_template_even_the_language_would_do_nothing(rubric, name):
    with pytest.raises(ValueError, match=f"option '{name}' does not go with rubric {rubric.name}"):
        judge(rubric, **{name: OURS[name]})


def test_a_template_that_no_category_is_judged_by_forbids_nothing():
    rubric = replace(PUBLISHED, variants={"math": PAIR}, only_variants=True)
    assert judge(rubric, **{name: OURS[name] for name in ("schema_bound", "scale", "language")})


def test_whatever_two_of_our_options_clash_with_one_of_them_is_named():
    for pair in combinations(OURS, 2):
        with pytest.raises(ValueError, match=r"option '(" + "|".join(pair) + r")'"):
            judge(preset="auto_j", **{name: OURS[name] for name in pair})


# The endpoint behind it


def test_what_a_judge_is_does_not_depend_on_where_it_is_reached():
    moved = replace(ENDPOINT, base_url="http://elsewhere", key="another", timeout=1.0)
    assert identity_of(moved) == identity_of(ENDPOINT)
    assert "secret" not in repr(identity_of(ENDPOINT))
    assert identity_of(replace(ENDPOINT, options={"temperature": 1})) != identity_of(ENDPOINT)


@pytest.mark.parametrize(("highest", "tokens"), [(1, 1), (5, 1), (9, 1), (10, 2), (100, 3)])
def test_a_verdict_of_one_token_is_given_room_for_the_highest_mark(highest, tokens):
    rubric = RubricText("marks", {}, lowest=0, highest=highest)
    assert with_few_tokens(ENDPOINT, rubric).options == {"temperature": 0, "max_tokens": tokens}


def test_the_highest_mark_of_any_category_counts():
    variant = RubricText("of one", {}, highest=100)
    rubric = RubricText("marks", {}, highest=5, variants={"math": variant})
    assert with_few_tokens(ENDPOINT, rubric).options["max_tokens"] == 3


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_who_says_how_many_tokens_is_heard(name):
    told = replace(ENDPOINT, options={name: 64})
    assert with_few_tokens(told, PAIR) is told


def test_only_a_verdict_of_one_token_is_given_so_few():
    endpoint = replace(ENDPOINT, provider="openai")
    weighed = LLMJudge.over(endpoint, PAIR, verdict="logprobs")
    written = LLMJudge.over(endpoint, PAIR)
    assert weighed.open_chat.args[0].options["max_tokens"] == 2
    assert "max_tokens" not in written.open_chat.args[0].options


@pytest.mark.parametrize("provider", ["anthropic", "scripted"])
def test_a_provider_without_log_probabilities_cannot_be_weighed_by_them(provider):
    endpoint = replace(ENDPOINT, provider=provider)
    with pytest.raises(ValueError, match=f"option 'verdict' cannot be 'logprobs' with the provider {provider}"):
        LLMJudge.over(endpoint, PAIR, verdict="logprobs")
    assert LLMJudge.over(endpoint, PAIR).verdict == "text"


def test_the_same_model_asked_for_fewer_tokens_is_the_same_model():
    endpoint = replace(ENDPOINT, provider="openai")
    assert LLMJudge.over(endpoint, PAIR, verdict="logprobs").identity == LLMJudge.over(endpoint, PAIR).identity
