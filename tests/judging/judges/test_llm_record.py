"""Whatever a judge replied: its record is read as the reply was, a batch says the same, and the calls were those announced."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.chat import Completion
from judging.judges.base import API_ERROR, TRUNCATED, AskingEngine, Exhibit, RubricText, Template
from judging.judges.llm import REPAIRS, LLMJudge
from judging.judges.transcript import ASKED_AGAIN, DRAWN_AGAIN
from judging.prompts import PRESETS
from tests.judging.judges.told import PAIR, Told, asked, essence, failing, pair, read_again, single
from tests.judging.replies_table import BARE, COUNTED, RUBRIC, TO_FIVE

QUOTING = "I was told to end with this sentence, which is no verdict of mine: [[A]]"


@dataclass(frozen=True)
class Way:
    """One way of judging: what is judged and how, with replies that can be read."""

    exhibit: Exhibit
    says: tuple[str | Completion, ...]
    rubric: RubricText = PAIR
    options: tuple[tuple[str, Any], ...] = ()


def weighed(**place: float) -> Completion:
    return Completion("A", top=(place,), tokens_in=1, tokens_out=1)


WAYS = {
    "pair": Way(pair(), ("[[A]]", "[[B]]", "It is even. [[C]]", "[[A>>B]]", '{"verdict": "B"}')),
    "pair that is quoted": Way(pair(QUOTING), ("[[B]]", QUOTING, f"> {QUOTING}\n\n[[B]]")),
    "pair to five": Way(pair(), ("[[A>>B]]", "[[A>B]]", "[[A=B]]", "[[B>>A]]"), options=(("scale", "five"),)),
    "pair by schema": Way(pair(), ('{"verdict": "A"}', "[[B]]"), options=(("schema_bound", True),)),
    "pair in Chinese": Way(pair(language="zh"), ("结论：A", "【【Ｂ】】", "平局")),
    "pair by probability": Way(
        pair(), (weighed(A=-0.1, B=-3.0), weighed(B=-0.2), weighed(No=-0.1)), options=(("verdict", "logprobs"),)
    ),
    "mark": Way(single(), ("[[7]]", "Rating: 9/10", '{"score": 3}'), BARE),
    "mark by probability": Way(
        single(),
        (weighed(**{"3": -0.1}), weighed(**{"4": -0.7, "5": -0.8})),
        TO_FIVE,
        (("verdict", "logprobs"),),
    ),
    "dimensions": Way(single(), ('{"facts": 8, "tone": 2}', "Facts right: 9\nTone of voice: 7"), RUBRIC),
    "points": Way(
        single(),
        (
            '{"deductions": [], "bonuses": []}',
            '{"deductions": [{"key": "wrong", "quote": "North"}, {"key": "gap"}], "bonuses": []}',
            '{"deductions": [], "bonuses": [{"key": "source", "quote": "says the … map"}]}',
            '{"deductions": [{"key": "wrong", "quote": "South"}], "bonuses": []}',
        ),
        COUNTED,
    ),
    "template": Way(
        pair(),
        ("[[A>>B]]", "[[B>A]]", "[[A=B]]"),
        RubricText("p", {}, template=Template("{answer_a} {answer_b}", form="[[A>>B]]")),
    ),
    **{
        f"preset {name}": Way(
            pair(),
            (
                "So, the final decision is Response 1.",
                "2",
                "Tie\n### Reason: so",
                "Feedback: yes [RESULT] B",
                "3 8\nbecause",
                "[[A]]",
            ),
            options=(("preset", name),),
        )
        for name in PRESETS
    },
}

UNREADABLE = [
    "Well.",
    "",
    f"{ASKED_AGAIN}{DRAWN_AGAIN}",
    f"[[A]]{DRAWN_AGAIN}",
    "<think>[[A]]",
    Completion("The first", finish="length"),
    Completion("", finish="refused"),
    Completion("[[A]]", reasoning="Or [[B]]?"),
]


@st.composite
def asked_somehow(draw: st.DrawFn, *, failures: bool = True) -> tuple[Way, list[Any], dict[str, Any]]:
    """A way of judging, what is said to each of at most eleven samples and their repair turns, and the options."""
    way = WAYS[draw(st.sampled_from(sorted(WAYS)))]
    samples = draw(st.integers(1, 5))
    odd = [*UNREADABLE, failing()] if failures else []
    said = st.sampled_from(way.says) | st.sampled_from([*way.says, *odd])
    return way, draw(st.lists(said, min_size=1, max_size=11)), {"samples": samples, **dict(way.options)}


@settings(max_examples=300)
@given(asked_somehow())
def test_a_record_is_read_as_the_replies_were(given_way):
    way, says, options = given_way
    judge, verdict, _ = asked(way.exhibit, *says, rubric=way.rubric, **options)
    again = read_again(judge, way.exhibit, verdict)
    assert essence(again)[:5] == essence(verdict)[:5]
    assert again.digest == verdict.digest
    # What no reply told, the reason why a call failed, is known only where samples keep it.
    if not any(isinstance(each, Exception) for each in says):
        assert essence(again) == essence(verdict)


def test_where_asking_again_failed_the_last_reply_that_came_stands_on_the_record_too():
    judge, verdict, _ = asked(pair(), "It is hard to say.", "<think>[[A]]", failing(), rubric=PAIR)
    assert verdict.status == TRUNCATED and "asking again failed" in verdict.error
    assert read_again(judge, pair(), verdict).status == TRUNCATED


@settings(max_examples=200)
@given(asked_somehow())
def test_a_record_read_again_is_the_same_record(given_way):
    """Reading twice is reading once: what is saved after reading again can be read again."""
    way, says, options = given_way
    judge, verdict, _ = asked(way.exhibit, *says, rubric=way.rubric, **options)
    once = read_again(judge, way.exhibit, verdict)
    assert essence(read_again(judge, way.exhibit, once)) == essence(once)


@settings(max_examples=200)
@given(asked_somehow(failures=False))
def test_the_calls_made_are_those_announced(given_way):
    way, says, options = given_way
    judge, verdict, chat = asked(way.exhibit, *says, rubric=way.rubric, **options)
    least, most = judge.calls(way.exhibit)
    assert len(chat.asked) == verdict.asked
    samples = verdict.details.get("samples", [{"replies": verdict.asked}])
    if all(each["replies"] == 1 for each in samples) and all("status" not in each for each in samples):
        assert least <= verdict.asked <= most
    else:
        assert verdict.asked <= (1 + REPAIRS) * most


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("samples", [1, 3])
def test_a_batch_says_of_a_reply_what_judging_says(name, samples):
    way = WAYS[name]
    options = {**dict(way.options), "samples": samples}
    for said in (*way.says, *UNREADABLE):
        completion = said if isinstance(said, Completion) else Completion(said)
        judge, verdict, chat = asked(way.exhibit, completion, rubric=way.rubric, **{**options, "samples": 1})
        batch = LLMJudge(lambda: Told(), way.rubric, **options)
        messages, schema = batch.request(way.exhibit)
        assert (list(messages), schema) == (chat.asked[0], chat.schemas[0])
        told = batch.verdict_on(way.exhibit, completion)
        assert (told.status, told.value, told.scores, told.points) == (
            verdict.status,
            verdict.value,
            verdict.scores,
            verdict.points,
        )
        assert told.prompt == tuple({"role": each.role, "content": each.content} for each in messages)
        assert told.digest == batch.digest(way.exhibit)
        assert (told.digest == verdict.digest) == (samples == 1)
        assert essence(read_again(batch, way.exhibit, told)) == essence(told)


@pytest.mark.parametrize(
    "options",
    [{"samples": 2}, {"scale": "five"}, {"schema_bound": True}, {"verdict": "logprobs"}, {"preset": "auto_j"}]
    + [{"language": "en"}, {"reference": "none"}],
)
def test_a_judge_with_another_option_is_another_judge_in_the_digest(options):
    """What it would be sent may be the same: who is asked, and how, is a part of the digest of its own."""
    usual, other = (LLMJudge(lambda: Told(), PAIR, **each).digest(pair()).split(":")[0] for each in ({}, options))
    assert usual != other


@pytest.mark.parametrize("options", [{"concurrency": 2}, {"attempts": 1}])
def test_how_fast_and_how_often_it_is_asked_makes_no_other_judge(options):
    assert LLMJudge(lambda: Told(), PAIR, **options).digest(pair()) == LLMJudge(lambda: Told(), PAIR).digest(pair())


def test_an_old_record_without_details_is_read_by_its_marks():
    judge = LLMJudge(lambda: Told(), PAIR)
    assert isinstance(judge, AskingEngine)
    assert judge.reread(pair(), reply=f"Well.{ASKED_AGAIN}[[B]]", details={}).value == -1


def test_a_record_of_no_reply_is_no_verdict():
    judge, verdict, _ = asked(pair(), failing())
    again = read_again(judge, pair(), verdict)
    assert (again.status, again.value, again.reply) == (API_ERROR, None, "")
    assert again.error


def test_a_reply_cut_off_is_so_on_record_too():
    judge, verdict, _ = asked(pair(), Completion("The first answer", finish="length"))
    assert (verdict.status, verdict.details["finish"]) == (TRUNCATED, ["length"] * (1 + REPAIRS))
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_a_record_is_json():
    for way in WAYS.values():
        verdict = asked(way.exhibit, *way.says, rubric=way.rubric, samples=2, **dict(way.options))[1]
        assert json.loads(json.dumps(verdict.details, allow_nan=False))["finish"]


def test_what_was_asked_otherwise_than_wanted_is_kept_once_and_stays_when_read_again():
    refused = "the endpoint refused a schema"
    unread = Completion("I would rather not say yet.", notes=(refused,))
    judge, verdict, _chat = asked(pair(), unread, Completion("[[A]]", notes=(refused, "temperature was left out")))
    assert verdict.details["notes"] == [refused, "temperature was left out"]
    assert read_again(judge, pair(), verdict).details["notes"] == verdict.details["notes"]
    assert "notes" not in asked(pair(), "[[A]]")[1].details
