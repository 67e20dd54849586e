"""The rehearsal: prompts and token estimates are real, verdicts are dice."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from arena.chat import Message
from judging import prompts
from judging.judges.base import OK, Exhibit, RubricText
from judging.judges.dry_run import DryRunJudge, estimated_tokens, prompt_tokens

PAIR = prompts.default_rubric("pair")
SINGLE = prompts.default_rubric("single")


def exhibit(number, answers=2):
    texts = tuple((f"answer {side} to {number}",) for side in range(answers))
    return Exhibit(id=object(), turns=(f"question {number}",), answers=texts)


def test_the_same_seed_gives_the_same_verdict_and_another_seed_others():
    def values(seed):
        return [DryRunJudge(PAIR, seed=seed).verdict(exhibit(number)).value for number in range(50)]

    assert values(1) == values(1)
    assert values(1) != values(2)


def test_verdicts_on_pairs_are_even_dice():
    counts = Counter(DryRunJudge(PAIR).verdict(exhibit(number)).value for number in range(3_000))
    assert set(counts) == {-1, 0, 1}
    assert all(abs(count - 1_000) < 110 for count in counts.values())


def test_the_two_orders_are_thrown_apart():
    shown = [exhibit(number) for number in range(60)]
    turned = [replace(each, answers=each.answers[::-1]) for each in shown]
    judge = DryRunJudge(PAIR)
    assert any(judge.verdict(one).value != -judge.verdict(two).value for one, two in zip(shown, turned, strict=True))


def test_marks_are_on_the_scale_for_every_dimension_and_the_value_is_their_mean():
    verdict = DryRunJudge(SINGLE).verdict(exhibit(1, answers=1))
    assert set(verdict.scores) == {item.key for item in SINGLE.dimensions}
    assert all(1 <= mark <= 10 for mark in verdict.scores.values())
    assert verdict.value == pytest.approx(sum(item.weight * verdict.scores[item.key] for item in SINGLE.dimensions))


def test_a_rubric_without_dimensions_gets_one_mark():
    verdict = DryRunJudge(RubricText("bare", {}, lowest=0, highest=1)).verdict(exhibit(1, answers=1))
    assert verdict.scores == {}
    assert 0 <= verdict.value <= 1


def test_nobody_is_asked_and_the_prompt_is_the_real_one():
    async def judge():
        return [pair async for pair in DryRunJudge(PAIR).judge([exhibit(1), exhibit(2)])]

    pairs = asyncio.run(judge())
    for each, verdict in pairs:
        messages = prompts.render(each, PAIR)
        assert verdict.prompt == tuple({"role": m.role, "content": m.content} for m in messages)
        assert (verdict.status, verdict.asked, verdict.tokens_in) == (OK, 0, prompt_tokens(messages))


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("four characters of", 5), ("你好世界你好世界你好", 8), ("你好 abcdefg", 4)]
)
def test_tokens_are_estimated_by_script(text, tokens):
    assert estimated_tokens(text) == tokens


def test_every_message_costs_a_little_more():
    assert prompt_tokens([Message("user", "abcd"), Message("user", "")]) == 1 + 2 * 4
