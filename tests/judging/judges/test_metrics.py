"""Metrics against references: the libraries' published examples, and values worked out by hand."""

import asyncio

import pytest

from judging.judges.base import OK, SKIPPED, Exhibit, RubricText
from judging.judges.metric import NO_REFERENCE, MetricJudge
from judging.judges.metrics import METRICS, _bleu, _chrf, is_chinese, score

TENTHS = RubricText("metric", {}, lowest=0, highest=10)


def test_the_libraries_give_their_published_figures():
    # The example of sacrebleu's README: BLEU = 48.53, chrF2 = 59.73.
    references = [
        ["The dog bit the man.", "It was not unexpected.", "The man bit him first."],
        ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."],
    ]
    said = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    assert round(_bleu("13a").corpus_score(said, references).score, 2) == 48.53
    assert round(_chrf().corpus_score(said, references).score, 2) == 59.73


@pytest.mark.parametrize(
    ("name", "answer", "reference", "share"),
    [
        # n-gram precisions 5/6, 4/5, 3/4, 2/3 and no brevity penalty.
        ("bleu", "the cat sat on the hat", "the cat sat on the mat", (1 / 3) ** 0.25),
        # By character 5/6, 3/5, 2/4, 1/3.
        ("bleu", "今天天气很好", "今天天气不好", (1 / 12) ** 0.25),
        ("bleu", "", "something", 0),
        # Characters: precision 1 and 1, recall 2/3 and 1/2, beta 2.
        ("chrf", "ab", "abc", 7 / 11),
        ("chrf", "天气", "天气好", 7 / 11),
        ("chrf", "xyz", "abc", 0),
        # The examples of rouge-score's own tests.
        ("rouge1", "testing", "testing one two", 1 / 2),
        ("rouge1", "text first", "first something", 1 / 2),
        ("rouge2", "testing one", "testing one two", 2 / 3),
        ("rougeL", "testing one", "testing one two", 4 / 5),
        ("rougeL", "testing two", "testing one two", 4 / 5),
        ("rougeL", "", "testing one two", 0),
        # By character, which the library's own tokenizer cannot: it drops Chinese.
        ("rouge1", "今天好", "今天很好", 6 / 7),
        ("rouge2", "今天好", "今天很好", 2 / 5),
        ("rougeL", "好今天", "今天很好", 4 / 7),
        ("f1", "the red fox", "a red dog", 1 / 2),
        ("f1", "Red, red FOX!", "red fox", 4 / 5),
        ("f1", "今天好", "今天很好", 6 / 7),
        ("f1", "", "", 1),
        ("f1", "...", "word", 0),
        ("exact", " Paris\n", "ｐａｒｉｓ", 1),
        ("exact", "Paris.", "Paris", 0),
    ],
)
def test_a_share_is_as_worked_out_by_hand(name, answer, reference, share):
    assert score(name, answer, reference=reference) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("text", ["The quick brown fox jumps over the lazy dog.", "敏捷的棕色狐狸跳过了懒狗。"])
def test_the_same_text_has_all_of_it_and_another_has_less(name, text):
    assert score(name, text, reference=text) == pytest.approx(1)
    assert score(name, "Quite another thing 完全不同", reference=text) < 0.5


@pytest.mark.parametrize(
    ("reference", "language", "chinese"),
    [
        ("天气很好", "", True),
        ("用 Python 写一个函数", "", True),
        ("BERT 是 Transformer 模型", "", False),
        ("BERT 是 Transformer 模型", "zh", True),
        ("Paris", "zh", False),
        ("42", "zh", False),
        ("plain words", "en", False),
    ],
)
def test_chinese_is_told_by_the_language_or_by_the_script_of_the_reference(reference, language, chinese):
    assert is_chinese(reference, language) is chinese


def exhibit(*answers, reference=("testing one two",), turn=0):
    turns = tuple(answer if isinstance(answer, tuple) else (answer,) for answer in answers)
    return Exhibit(id=1, turns=("Q",) * len(turns[0]), answers=turns, reference=reference, turn=turn)


def test_a_mark_is_the_share_on_the_scale():
    verdict = MetricJudge(TENTHS, "rougeL").verdict(exhibit("testing two"))
    assert (verdict.status, verdict.value) == (OK, pytest.approx(8))
    assert verdict.reply == "rougeL: 0.8000"
    assert (verdict.asked, verdict.digest) == (0, "")
    assert MetricJudge(RubricText("m", {}, lowest=1, highest=5), "exact").verdict(exhibit("no")).value == 1


@pytest.mark.parametrize(
    ("first", "second", "band", "value"),
    [
        ("testing two", "testing", 0, 1),
        ("testing", "testing two", 0, -1),
        ("testing one", "testing two", 0, 0),
        ("testing two", "testing", 0.31, 0),
        ("testing two", "testing", 0.29, 1),
    ],
)
def test_of_a_pair_the_nearer_answer_is_better_outside_the_tie_band(first, second, band, value):
    assert MetricJudge(TENTHS, "rougeL", band).verdict(exhibit(first, second)).value == value


def test_turns_without_a_reference_do_not_count_and_missing_turns_are_far():
    judge = MetricJudge(TENTHS, "exact")
    assert judge.verdict(exhibit(("a", "b", "c"), reference=("a", "", "x"))).value == 5
    assert judge.verdict(exhibit(("a",), reference=("a", "b"))).value == 5
    assert judge.verdict(exhibit(("a", "b"), reference=("a", "x"), turn=2)).value == 0


@pytest.mark.parametrize("reference", [(), ("",), (" \n",)])
def test_a_question_without_a_reference_is_skipped(reference):
    verdict = MetricJudge(TENTHS).verdict(exhibit("a", reference=reference))
    assert (verdict.status, verdict.error, verdict.value) == (SKIPPED, NO_REFERENCE, None)


def test_a_turn_without_a_reference_is_skipped_by_name():
    verdict = MetricJudge(TENTHS).verdict(exhibit(("a", "b"), reference=("a", ""), turn=2))
    assert verdict.error == "the question has no reference answer for turn 2"


def test_the_engine_gives_every_exhibit_its_verdict_in_order():
    async def judge(exhibits):
        return [verdict.value async for _, verdict in MetricJudge(TENTHS, "exact").judge(exhibits)]

    both = [exhibit("testing one two"), exhibit("x", reference=()), exhibit("x", "testing one two")]
    assert asyncio.run(judge(both)) == [10, None, -1]


@pytest.mark.parametrize("options", [{"metric": "meteor"}, {"tie_band": -0.1}, {"tie_band": 2}])
def test_a_metric_or_a_band_that_there_is_not_is_refused(options):
    with pytest.raises(ValueError, match="unknown metric 'meteor'|a share from 0 to 1"):
        MetricJudge(TENTHS, **options)
