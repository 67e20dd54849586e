"""The ways in which a language model as judge can be asked, each from the prompt to the verdict and back from the record."""

import math
from dataclasses import replace

import pytest

from arena.chat import Completion
from arena.chat.breaker import FAILURES_IN_A_ROW
from judging.judges.base import API_ERROR, OK, PARSE_ERROR, REFUSED, Level
from judging.judges.llm import LLMJudge
from judging.judges.reading import NO_LOGPROBS
from judging.judges.transcript import ASKED_AGAIN
from judging.prompts import verdict_schema
from judging.replies import CUT_NUMBER, NOT_QUOTED
from tests.judging.judges.told import PAIR, Told, asked, essence, pair, read_again, single, until_down
from tests.judging.replies_table import BARE, COUNTED, RUBRIC, TO_FIVE


def weighed(*places, text="A", **more):
    """A reply of a single token, with the probabilities of what could have stood in each place."""
    top = tuple({token: math.log(share) for token, share in place.items()} for place in places)
    return Completion(text, top=top, tokens_in=10, tokens_out=1, seconds=0.1, **more)


# Weighed by log-probability


def test_a_weighed_verdict_says_how_sure_the_judge_is():
    said = weighed({"A": 0.6, "B": 0.2, "C": 0.1, "The": 0.1})
    judge, verdict, chat = asked(pair(), said, verdict="logprobs")
    assert verdict.value == pytest.approx(0.4 / 0.9)
    assert verdict.details["probabilities"] == pytest.approx({"A": 6 / 9, "B": 2 / 9, "C": 1 / 9})
    assert chat.logprobs == [20]
    assert "single letter" in chat.asked[0][1].content
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_only_who_weighs_asks_for_probabilities():
    assert asked(pair(), "[[A]]")[2].logprobs == [None]


def test_a_weighed_mark_is_the_one_to_be_expected():
    said = weighed({"7": 0.75, "8": 0.25}, text="7")
    judge, verdict, _ = asked(single(), said, rubric=TO_FIVE, verdict="logprobs")
    assert (verdict.status, verdict.value) == (PARSE_ERROR, None)
    rubric = replace(TO_FIVE, highest=9)
    judge, verdict, _ = asked(single(), said, rubric=rubric, verdict="logprobs")
    assert verdict.value == pytest.approx(7.25)
    assert essence(read_again(judge, single(), verdict)) == essence(verdict)


def test_a_weighed_mark_that_is_cut_off_is_asked_for_again():
    said = [weighed({"1": 1.0}, text="1"), weighed({"1": 1.0}, {"0": 1.0}, text="10")]
    judge, verdict, _ = asked(single(), *said, rubric=BARE, verdict="logprobs")
    assert (verdict.value, verdict.asked) == (10, 2)
    assert essence(read_again(judge, single(), verdict)) == essence(verdict)
    assert asked(single(), said[0], rubric=BARE, verdict="logprobs")[1].error == CUT_NUMBER


def test_an_endpoint_without_probabilities_is_given_up_after_the_calls_under_way():
    chat = Told("A")
    judge = LLMJudge(lambda: chat, PAIR, verdict="logprobs", concurrency=2)
    came, why = until_down(judge, [pair()] * 50)
    assert why == NO_LOGPROBS
    assert {(verdict.status, verdict.value) for verdict in came} == {(API_ERROR, None)}
    assert len(came) == len(chat.asked) <= 3
    assert essence(read_again(judge, pair(), came[0])) == essence(came[0])


def test_an_endpoint_that_gives_them_now_and_then_is_asked_on():
    chat = Told(weighed({"A": 1.0}), "A", weighed({"B": 1.0}))
    came, why = until_down(LLMJudge(lambda: chat, PAIR, verdict="logprobs", concurrency=1), [pair()] * 3)
    assert ([verdict.status for verdict in came], why) == ([OK, API_ERROR, OK], "")


def test_empty_replies_alone_end_it_after_as_many_as_other_failures():
    chat = Told(Completion("", finish="length"))
    came, why = until_down(LLMJudge(lambda: chat, PAIR, verdict="logprobs", concurrency=1), [pair()] * 50)
    assert (len(came), why) == (FAILURES_IN_A_ROW, NO_LOGPROBS)


def test_an_endpoint_that_gives_them_no_more_when_asked_again_has_failed():
    judge, verdict, _ = asked(pair(), weighed({"Well": 1.0}), "A", verdict="logprobs")
    assert (verdict.status, verdict.error, verdict.asked) == (API_ERROR, NO_LOGPROBS, 2)
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_a_judge_that_declines_to_give_a_token_has_declined():
    judge, verdict, _ = asked(pair(), Completion("", finish="refused"), verdict="logprobs")
    assert (verdict.status, verdict.value) == (REFUSED, None)
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_weighed_samples_keep_the_probabilities_of_each():
    said = [weighed({"A": 0.8, "B": 0.2}), weighed({"A": 0.5, "B": 0.5}), weighed({"B": 1.0})]
    judge, verdict, _ = asked(pair(), *said, verdict="logprobs", samples=3)
    assert verdict.value == pytest.approx((0.6 + 0 - 1) / 3)
    assert [each["A"] for each in verdict.details["probabilities"]] == pytest.approx([0.8, 0.5, 0])
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_weighed_samples_are_drawn_only_as_long_as_they_can_turn_it():
    sure, torn = weighed({"A": 1.0}), weighed({"A": 0.6, "B": 0.4})
    assert asked(pair(), sure, verdict="logprobs", samples=3)[1].asked == 2
    assert asked(pair(), torn, verdict="logprobs", samples=3)[1].asked == 3


# Points


NORTH = '{"deductions": [{"key": "wrong", "quote": "North"}], "bonuses": []}'
SOUTH = '{"deductions": [{"key": "wrong", "quote": "South"}], "bonuses": []}'
NONE = '{"deductions": [], "bonuses": []}'


def test_a_deduction_counts_with_the_passage_it_is_about():
    judge, verdict, _ = asked(single(), NORTH, rubric=COUNTED)
    assert verdict.value == 4
    assert verdict.points == ({"key": "wrong", "points": -2, "quote": "North"},)
    assert essence(read_again(judge, single(), verdict)) == essence(verdict)


def test_a_passage_that_is_not_in_the_answer_goes_to_the_repair_turn():
    judge, verdict, chat = asked(single(), SOUTH, NORTH, rubric=COUNTED)
    assert (verdict.value, verdict.asked, verdict.reply) == (4, 2, f"{SOUTH}{ASKED_AGAIN}{NORTH}")
    assert '"deductions"' in chat.asked[1][-1].content
    assert essence(read_again(judge, single(), verdict)) == essence(verdict)


def test_who_insists_on_it_gives_no_verdict():
    verdict = asked(single(), SOUTH, rubric=COUNTED)[1]
    assert (verdict.status, verdict.error, verdict.points) == (PARSE_ERROR, NOT_QUOTED.format(key="wrong"), ())


def test_only_the_turn_that_is_judged_can_be_quoted():
    exhibit = replace(single(), turns=("One?", "Two?"), answers=(("North.", "South."),))
    assert asked(replace(exhibit, turn=2), NORTH, SOUTH, rubric=COUNTED)[1].asked == 2
    assert asked(replace(exhibit, turn=1), NORTH, rubric=COUNTED)[1].asked == 1
    assert asked(exhibit, SOUTH, rubric=COUNTED)[1].asked == 1


def test_of_several_samples_of_points_one_stands_with_its_own_findings():
    judge, verdict, _ = asked(single(), NONE, NORTH, NORTH, rubric=COUNTED, samples=3)
    assert (verdict.value, [point["quote"] for point in verdict.points]) == (4, ["North"])
    assert essence(read_again(judge, single(), verdict)) == essence(verdict)


def test_a_judge_bound_to_a_schema_is_held_to_the_kinds_there_are():
    chat = asked(single(), NORTH, rubric=COUNTED, schema_bound=True)[2]
    rows = chat.schemas[0]["properties"]["deductions"]["items"]["properties"]
    assert rows["key"]["enum"] == ["wrong", "gap"]


# Dimensions


@pytest.mark.parametrize(("tone", "whole"), [(3, 8.25), (2, 1)])
def test_a_mark_below_its_veto_takes_the_whole_to_the_lowest(tone, whole):
    judge, verdict, _ = asked(single(), f'{{"facts": 10, "tone": {tone}}}', rubric=RUBRIC)
    assert (verdict.value, verdict.scores) == (whole, {"facts": 10, "tone": tone})
    assert essence(read_again(judge, single(), verdict)) == essence(verdict)


def test_keys_are_shown_only_where_marks_are_given_by_them():
    one = asked(single(), '{"facts": 10, "tone": 5}', rubric=RUBRIC)[2].asked[0][0].content
    two = asked(pair(), "[[A]]", rubric=RUBRIC)[2].asked[0][0].content
    assert 'Facts right "facts"' in one
    assert ("Facts right" in two, '"facts"' in two) == (True, False)


def test_a_veto_is_told_to_the_judge_of_one_answer_and_of_two():
    one = asked(single(), '{"facts": 10, "tone": 5}', rubric=RUBRIC)[2].asked[0][0].content
    two = asked(pair(), "[[A]]", rubric=RUBRIC)[2].asked[0][0].content
    assert "A mark below 3 here takes the whole to 1" in one
    assert "takes the whole" not in two
    assert "loses to one that does not" in two


LEVELS = replace(
    RUBRIC,
    dimensions=(
        replace(
            RUBRIC.dimensions[0], levels=(Level(1, {"en": "all wrong", "zh": "全错"}), Level(10, {"en": "all right"}))
        ),
        RUBRIC.dimensions[1],
    ),
)


@pytest.mark.parametrize(
    ("language", "worst"),
    [("en", "1 = all wrong"), ("zh", "1 = 全错"), ("zh-Hant", "1 = 全错"), ("fr", "1 = all wrong")],
)
def test_marks_are_explained_in_the_language_of_the_prompt(language, worst):
    by_exhibit = asked(single(language=language), '{"facts": 1, "tone": 5}', rubric=LEVELS)[2]
    by_option = asked(single(language="de"), '{"facts": 1, "tone": 5}', rubric=LEVELS, language=language)[2]
    for chat in (by_exhibit, by_option):
        told = chat.asked[0][0].content
        assert worst in told
        assert told.index("10 = all right") < told.index(worst)


# Bound to a schema


@pytest.mark.parametrize(
    ("exhibit", "rubric", "options", "says", "value"),
    [
        (pair(), PAIR, {}, '{"verdict": "B"}', -1),
        (pair(), PAIR, {}, "B is better.\n[[B]]", -1),
        (pair(), PAIR, {"scale": "five"}, '{"verdict": "A>>B"}', 2),
        (pair(), PAIR, {"scale": "five"}, "[[B>A]]", -1),
        (single(), BARE, {}, '{"score": 7}', 7),
        (single(), BARE, {}, '```json\n{"score": 7}\n```', 7),
        (single(), BARE, {}, "It is fine.\n[[7]]", 7),
        (single(), RUBRIC, {}, '{"facts": 8, "tone": 4}', 7),
        (single(), RUBRIC, {}, "Facts right: 8\nTone of voice: 4", 7),
        (single(), COUNTED, {}, NONE, 6),
        (single(), COUNTED, {}, f"Nothing to blame.\n{NONE}", 6),
    ],
)
def test_what_an_endpoint_does_that_cannot_be_bound_is_read_all_the_same(exhibit, rubric, options, says, value):
    judge, verdict, chat = asked(exhibit, says, rubric=rubric, schema_bound=True, **options)
    assert (verdict.status, verdict.value) == (OK, value)
    how = {name: options[name] for name in options if name == "scale"}
    assert chat.schemas == [verdict_schema(exhibit, rubric, **how)]
    assert essence(read_again(judge, exhibit, verdict)) == essence(verdict)


def test_the_repair_turn_is_bound_to_the_same_schema():
    chat = asked(pair(), "Well.", '{"verdict": "A"}', schema_bound=True)[2]
    assert chat.schemas[0] == chat.schemas[1] is not None
    assert "[[" not in chat.asked[1][-1].content
