"""Several samples of one verdict through the language model as judge: how many are drawn, and what is kept of them."""

import pytest

from judging.judges.base import API_ERROR, OK, PARSE_ERROR, EndpointDown
from judging.judges.llm import LLMJudge
from judging.judges.transcript import ASKED_AGAIN, DRAWN_AGAIN
from tests.judging.judges.told import PAIR, Told, asked, essence, failing, pair, read_again, run, single, verdict_of
from tests.judging.replies_table import RUBRIC


@pytest.mark.parametrize(
    ("says", "options", "value", "count"),
    [
        (["[[A]]"] * 3, {"samples": 3}, 1, 2),
        (["[[A]]", "[[B]]", "[[A]]"], {"samples": 3}, 1 / 3, 3),
        (["[[A]]"] * 5, {"samples": 5}, 1, 3),
        (["[[A]]", "[[A]]", "[[C]]", "[[B]]", "[[B]]"], {"samples": 5}, 0, 5),
        (["[[A]]"] * 4, {"samples": 4}, 1, 3),
        (["[[A]]", "[[B]]"], {"samples": 2}, 0, 2),
        (["[[A>B]]"] * 3, {"samples": 3, "scale": "five"}, 1, 3),
        (["[[A>>B]]"] * 3, {"samples": 3, "scale": "five"}, 2, 2),
    ],
)
def test_of_a_pair_no_more_samples_are_drawn_than_can_change_it(says, options, value, count):
    judge, verdict, chat = asked(pair(), *says, **options)
    assert (verdict.value, len(chat.asked), verdict.asked) == (pytest.approx(value), count, count)
    least, most = judge.calls(pair())
    assert least <= count <= most == options["samples"]
    assert all(messages == chat.asked[0] for messages in chat.asked)
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_a_word_that_was_not_among_those_asked_for_weighs_no_more_than_the_strongest_that_was():
    """Two samples for A are settled on the scale of three; a third that says "much better" could not have turned them."""
    few = verdict_of(pair(), "[[A]]", "[[A]]", "[[B>>A]]", samples=3)
    all_of_them = verdict_of(pair(), "[[B>>A]]", "[[A]]", "[[A]]", samples=3)
    assert (few.value > 0) == (all_of_them.value > 0)


def test_what_each_sample_said_and_took_is_kept():
    _, verdict, _ = asked(pair(), "[[A]]", "Well.", "[[B]]", "[[A]]", samples=3)
    assert verdict.reply == f"[[A]]{DRAWN_AGAIN}Well.{ASKED_AGAIN}[[B]]{DRAWN_AGAIN}[[A]]"
    assert verdict.details["samples"] == [
        {"replies": 1, "value": 1},
        {"replies": 2, "value": -1},
        {"replies": 1, "value": 1},
    ]
    assert (verdict.asked, verdict.tokens_in, verdict.seconds) == (4, 40, pytest.approx(0.4))


def test_a_sample_that_was_repaired_counts_towards_the_verdict():
    judge, verdict, chat = asked(pair(), "[[A]]", "Well.", "[[A]]", samples=3)
    assert (verdict.value, len(verdict.details["samples"]), len(chat.asked)) == (1, 2, 3)
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_a_sample_that_failed_leaves_its_place_empty():
    judge, verdict, _ = asked(pair(), "[[A]]", failing(), "[[A]]", samples=3)
    assert (verdict.status, verdict.value, verdict.asked) == (OK, 1, 3)
    assert verdict.details["samples"][1] == {"replies": 0, "status": API_ERROR, "error": "status 400"}
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_a_majority_that_failed_is_a_failure_that_says_how_many():
    judge, verdict, chat = asked(pair(), "[[A]]", failing(), failing(), "[[A]]", samples=3)
    assert (verdict.status, verdict.error) == (API_ERROR, "1 of 3 samples could be read: status 400")
    assert len(chat.asked) == 3
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)


def test_nothing_more_is_drawn_from_an_endpoint_that_is_gone():
    chat = Told("[[A]]", failing(402), "[[A]]")
    judge = LLMJudge(lambda: chat, PAIR, samples=5, concurrency=1)
    with pytest.raises(EndpointDown, match="status 402"):
        run(judge, [pair()])
    assert len(chat.asked) == 2


def test_samples_may_hold_what_stands_between_them():
    said = f"I write{DRAWN_AGAIN}and{ASKED_AGAIN}\n[[A]]"
    judge, verdict, _ = asked(pair(), said, "[[A]]", samples=2)
    assert essence(read_again(judge, pair(), verdict)) == essence(verdict)
    assert verdict.value == 1


def test_a_record_that_has_lost_characters_is_not_read_as_another():
    judge, verdict, _ = asked(pair(), "Well.", "[[A]]")
    lost = judge.reread(pair(), reply=verdict.reply[1:], details=verdict.details)
    assert (lost.status, lost.value) == (PARSE_ERROR, None)


def test_marks_of_several_samples_are_means_by_dimension():
    says = ['{"facts": 8, "tone": 4}', '{"facts": 6, "tone": 6}']
    judge, verdict, _ = asked(single(), *says, rubric=RUBRIC, samples=2)
    assert (verdict.value, verdict.scores) == (pytest.approx(6.5), {"facts": 7, "tone": 5})
    assert essence(read_again(judge, single(), verdict)) == essence(verdict)
