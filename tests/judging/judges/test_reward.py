"""Reward models as judges: small real classifiers with random weights, and what is made of their numbers."""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.chat import Endpoint
from judging.judges.base import API_ERROR, OK, PARSE_ERROR, AskingEngine, EndpointDown, Exhibit, RubricText
from judging.judges.reward import RewardJudge, conversations, fit_tie_band, preference, sigmoid
from tests.arena.chat import tiny_models

RUBRIC = RubricText("reward", {}, lowest=1, highest=10)
ENDPOINT = Endpoint("local", "nowhere/at-all")
JUDGE = RewardJudge(ENDPOINT, RUBRIC)


def exhibit(*answers, turn=0, **more):
    turns = tuple(answer if isinstance(answer, tuple) else (answer,) for answer in answers)
    questions = tuple(f"Question {number}?" for number in range(1, len(turns[0]) + 1))
    return Exhibit(id=1, turns=questions, answers=turns, turn=turn, **more)


def judged(judge, *exhibits):
    async def judge_all():
        return [verdict async for _, verdict in judge.judge(exhibits)]

    return asyncio.run(judge_all())


def reread(judge, shown, *rewards):
    return judge.reread(shown, reply=json.dumps({"rewards": rewards}), details={})


def said(conversation):
    return [(message.role, message.content) for message in conversation]


# Without torch


def test_it_is_an_engine_that_asks():
    assert isinstance(JUDGE, AskingEngine)
    assert (JUDGE.calls(exhibit("a")), JUDGE.calls(exhibit("a", "b"))) == ((1, 1), (2, 2))


def test_one_answer_gets_its_reward_as_it_is_or_as_a_probability():
    assert reread(JUDGE, exhibit("a"), -12.5).value == -12.5
    assert reread(replace(JUDGE, scale="sigmoid"), exhibit("a"), 0.0).value == 0.5
    assert reread(replace(JUDGE, scale="sigmoid"), exhibit("a"), -800.0).value == 0.0


@pytest.mark.parametrize(
    ("options", "rewards", "value"),
    [
        ({}, (1, 0), 2 / (1 + math.exp(-1)) - 1),
        ({}, (0, 1), 1 - 2 / (1 + math.exp(-1))),
        ({}, (3, 3), 0),
        ({"verdict": "sign"}, (0.1, 0), 1),
        ({"verdict": "sign"}, (-1, 0), -1),
        ({"tie_band": 1}, (1, 0), 0),
        ({"tie_band": 1, "verdict": "sign"}, (1.01, 0), 1),
    ],
)
def test_a_pair_is_decided_by_the_difference_outside_the_tie_band(options, rewards, value):
    verdict = reread(replace(JUDGE, **options), exhibit("a", "b"), *rewards)
    assert (verdict.status, verdict.value) == (OK, pytest.approx(value))


@given(st.floats(-1e6, 1e6), st.floats(0, 10), st.booleans())
def test_swapping_negates_and_a_probability_stays_within_one(difference, band, as_sign):
    there = preference(difference, tie_band=band, as_sign=as_sign)
    assert preference(-difference, tie_band=band, as_sign=as_sign) == -there
    assert there in (-1, 0, 1) if as_sign else -1 < there < 1


def test_the_sigmoid_does_not_overflow():
    assert (sigmoid(-1e6), sigmoid(1e6), sigmoid(0)) == (0, 1, 0.5)


@pytest.mark.parametrize("reply", ["", "{}", '{"rewards": [1]}', '{"rewards": "x"}', "[1, 2]", '{"rewards": [1, NaN]}'])
def test_a_reply_without_the_rewards_cannot_be_read_again(reply):
    verdict = JUDGE.reread(exhibit("a", "b"), reply=reply, details={})
    assert (verdict.status, verdict.value) == (PARSE_ERROR, None)


def test_the_conversation_has_all_turns_up_to_the_one_judged():
    shown = exhibit(("a1", "a2"), ("b1",), system="Be kind.")
    first, second = conversations(shown)
    assert said(first) == [
        ("system", "Be kind."),
        ("user", "Question 1?"),
        ("assistant", "a1"),
        ("user", "Question 2?"),
        ("assistant", "a2"),
    ]
    assert said(second)[-1] == ("assistant", "")
    assert said(conversations(replace(shown, turn=1))[0])[-1] == ("assistant", "a1")


def test_the_digest_is_of_all_that_the_model_sees_and_of_nothing_else():
    shown = exhibit("a", "b")
    digest = JUDGE.digest(shown)
    who, what = digest.split(":")
    assert (len(who), len(what)) == (16, 32)
    assert JUDGE.digest(replace(shown, id=2, category="x", families=("f", "g"), reference=("r",))) == digest
    assert JUDGE.digest(exhibit("b", "a")) != digest
    assert JUDGE.digest(replace(shown, system="s")) != digest
    others = [
        replace(JUDGE, tie_band=1.0),
        replace(JUDGE, scale="sigmoid"),
        replace(JUDGE, verdict="sign"),
        replace(JUDGE, rubric=replace(RUBRIC, instructions={"en": "x"})),
        replace(JUDGE, endpoint=replace(ENDPOINT, model="other")),
        replace(JUDGE, endpoint=replace(ENDPOINT, options={"dtype": "float16"})),
    ]
    assert len({judge.digest(shown) for judge in [JUDGE, *others]}) == 1 + len(others)
    assert all(judge.digest(shown).split(":")[1] == what for judge in others)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"endpoint": Endpoint("openai", "m")}, "runs on this machine"),
        ({"scale": "percent"}, "'scale' must be one of raw, sigmoid"),
        ({"verdict": "maybe"}, "'verdict' must be one of probability, sign"),
        ({"tie_band": -1}, "'tie_band' must be a number from 0"),
        ({"tie_band": math.nan}, "'tie_band' must be a number from 0"),
    ],
)
def test_an_option_that_there_is_not_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        replace(JUDGE, **options)


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 0.5, 0.9, 1])
def test_the_tie_band_gives_as_large_a_share_of_ties_as_people_do(share):
    rng = random.Random(4)
    differences = [rng.gauss(0, 3) for _ in range(200)]
    band = fit_tie_band(differences, share)
    ties = sum(preference(each, tie_band=band, as_sign=True) == 0 for each in differences)
    assert ties == round(share * 200)


def test_the_tie_band_lies_halfway_to_the_first_difference_outside():
    assert fit_tie_band([-1, 2, 4, -8], 0.5) == 3
    assert fit_tie_band([-1, 2], 0.2) == 0


@pytest.mark.parametrize(("differences", "share"), [([], 0.5), ([1.0], 1.5), ([1.0], -0.1), ([math.inf], 0.5)])
def test_a_tie_band_of_nothing_is_an_error(differences, share):
    with pytest.raises(ValueError, match="tie"):
        fit_tie_band(differences, share)


def test_without_torch_the_endpoint_is_down_and_the_reason_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EndpointDown, match=r"torch is not installed: .*requirements-torch\.txt"):
        judged(JUDGE, exhibit("a"), exhibit("b"))


def test_an_option_that_a_reward_model_has_not_is_named():
    judge = replace(JUDGE, endpoint=replace(ENDPOINT, options={"temperature": 0}))
    with pytest.raises(EndpointDown, match="no option 'temperature'; its options: dtype, device"):
        judged(judge, exhibit("a"))


# With torch


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("torch", reason="torch is not installed: requirements-torch.txt")
    return tmp_path_factory.mktemp("classifiers")


def over(folder, name, **how):
    return RewardJudge(Endpoint("local", tiny_models.save_classifier(folder / name, **how)), RUBRIC)


def test_the_reward_is_the_logit_of_the_templated_conversation(folder):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    judge = over(folder, "one")
    where = judge.endpoint.model
    ids = AutoTokenizer.from_pretrained(where)("<|user|>Question 1?</s><|assistant|>Yes.</s>", return_tensors="pt")
    with torch.inference_mode():
        expected = AutoModelForSequenceClassification.from_pretrained(where)(ids["input_ids"]).logits.item()
    (verdict,) = judged(judge, exhibit("Yes."))
    assert (verdict.status, verdict.value) == (OK, pytest.approx(expected, abs=1e-5))
    assert (verdict.asked, verdict.digest) == (1, judge.digest(exhibit("Yes.")))
    assert [turn["content"] for turn in verdict.prompt] == ["Question 1?", "Yes."]


def test_of_two_outputs_the_difference_is_the_reward(folder):
    from arena.chat.local_classifier import reward_model
    from arena.chat.local_weights import Weights

    judge = over(folder, "two", outputs=2)
    (verdict,) = judged(judge, exhibit("Yes."))
    held = reward_model(Weights(judge.endpoint.model))
    ids = held._torch.tensor([held._encode(conversations(exhibit("Yes."))[0])])
    logits = held._model(ids).logits[0].tolist()
    assert verdict.value == pytest.approx(logits[1] - logits[0], abs=1e-5)


def test_a_classifier_of_more_outputs_is_no_reward_model(folder):
    with pytest.raises(EndpointDown, match="one output or two, this one has 3"):
        judged(over(folder, "three", outputs=3), exhibit("a"))


def test_swapping_the_answers_negates_the_verdict_and_the_reply_can_be_read_again(folder):
    judge = over(folder, "pair")
    there, back = judged(judge, exhibit("Yes.", "No!"), exhibit("No!", "Yes."))
    assert there.value == -back.value != 0
    assert judge.reread(exhibit("Yes.", "No!"), reply=there.reply, details=there.details).value == there.value
    wide = replace(judge, tie_band=1e6)
    assert wide.reread(exhibit("Yes.", "No!"), reply=there.reply, details=there.details).value == 0


def test_a_conversation_that_is_too_long_is_its_own_failure(folder):
    judge = over(folder, "long")
    long, short = judged(judge, exhibit("x" * (tiny_models.ROOM + 1)), exhibit("x"))
    assert (long.status, short.status) == (API_ERROR, OK)
    assert f"the model takes {tiny_models.ROOM}" in long.error


def test_a_classifier_without_a_template_is_given_question_and_answer(folder):
    (verdict,) = judged(over(folder, "plain", template=None), exhibit("Yes."))
    assert verdict.status == OK
