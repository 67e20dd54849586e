"""How near a text is to a reference, as a share from 0 to 1: BLEU, chrF, ROUGE, word F1, exactness.

BLEU and chrF are sacrebleu's sentence scores, ROUGE is rouge-score's F-measure with stemming, as their users publish
them; all three are imported with the first use. Chinese is compared character by character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

HAN_SHARE = 0.3  # of a text's letters, from which it counts as Chinese
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LETTER = re.compile(r"[^\W\d_]")
# A Chinese or Japanese character is a word; so is a run of anything else that words are made of.
_WORD = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff]|[^\\W_\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff]+"
)
_ARTICLES = frozenset({"a", "an", "the"})

Metric = Callable[[str, str, bool], float]
"""(answer, reference, whether they are Chinese) → share."""


def score(name: str, answer: str, *, reference: str, language: str = "") -> float:
    """How near the answer is to the reference by the metric of METRICS of that name, 0..1.

    `language` "zh…" makes it Chinese; otherwise the share of Chinese characters in the reference does.
    """
    return METRICS[name](answer, reference, is_chinese(reference, language))


def is_chinese(reference: str, language: str = "") -> bool:
    """Whether a reference is compared by character: by the language told, or by what it is written in."""
    letters = len(_LETTER.findall(reference))
    share = len(_HAN.findall(reference)) / letters if letters else 0.0
    # A question in Chinese may have a reference in English, or a number, which has no letters at all.
    return share >= HAN_SHARE or (language.casefold().startswith("zh") and share > 0)


def bleu(answer: str, reference: str, chinese: bool) -> float:
    """Sentence BLEU: exponential smoothing, and no orders longer than the answer itself."""
    return float(_bleu("zh" if chinese else "13a").sentence_score(answer, [reference]).score) / 100


def chrf(answer: str, reference: str, chinese: bool) -> float:
    """Sentence chrF with characters up to six and beta 2; the same for every script."""
    return float(_chrf().sentence_score(answer, [reference]).score) / 100


def rouge(kind: str) -> Metric:
    """The F-measure of a kind of ROUGE ("rouge1", "rouge2", "rougeL")."""

    def measure(answer: str, reference: str, chinese: bool) -> float:
        return float(_rouge(kind, chinese).score(reference, answer)[kind].fmeasure)

    return measure


def word_f1(answer: str, reference: str, chinese: bool) -> float:
    """The harmonic mean of the shares of each other's words that two texts hold (as in SQuAD).

    Case, width, punctuation and English articles do not count; repeated words do, as often as they occur. Two texts
    without words are the same.
    """
    ours, theirs = Counter(_f1_words(answer)), Counter(_f1_words(reference))
    if not ours or not theirs:
        return float(ours == theirs)
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total())


def exact(answer: str, reference: str, chinese: bool) -> float:
    """1 where the texts are the same but for case, width and white space, else 0."""
    return float(_plain(answer) == _plain(reference))


METRICS: Mapping[str, Metric] = {
    "bleu": bleu,
    "chrf": chrf,
    "rouge1": rouge("rouge1"),
    "rouge2": rouge("rouge2"),
    "rougeL": rouge("rougeL"),
    "f1": word_f1,
    "exact": exact,
}


def words(text: str) -> list[str]:
    """The words of a text in plain, small characters; a Chinese character or a kana is a word."""
    return _WORD.findall(_plain(text))


def _f1_words(text: str) -> list[str]:
    return [word for word in words(text) if word not in _ARTICLES]


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class ByCharacter:
    """A tokenizer as rouge-score takes one: Chinese by character, the rest by word."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


@lru_cache(maxsize=4)
def _bleu(tokenizer: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=tokenizer, effective_order=True)


@lru_cache(maxsize=1)
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


@lru_cache(maxsize=8)
def _rouge(kind: str, chinese: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    if chinese:
        return RougeScorer([kind], tokenizer=ByCharacter())
    return RougeScorer([kind], use_stemmer=True)
