"""A rehearsal: renders every prompt, estimates its tokens, and gives seeded random verdicts without asking anybody."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil

from arena.chat import Message
from judging import prompts
from judging.judges.base import OK, Exhibit, NoRubric, RubricText, Verdict, unshown
from judging.replies import total_mark

TOKENS_PER_HAN = 0.8
CHARACTERS_PER_TOKEN = 4.0
TOKENS_PER_MESSAGE = 4
REPLY_TOKENS = 200
BOUND_REPLY_TOKENS = 12


@dataclass(frozen=True)
class DryRunJudge:
    """An engine that calls nobody; the same seed and prompt always give the same verdict.

    Its verdicts are for seeing that everything runs: rows with provenance "dry_run", which no rating reads.
    """

    rubric: RubricText
    seed: int = 0
    schema_bound: bool = False
    language: str | None = None

    async def judge(self, exhibits: Sequence[Exhibit]) -> AsyncIterator[tuple[Exhibit, Verdict]]:
        """Each exhibit with a random verdict, in the order given; `asked` is 0, tokens are estimates."""
        for exhibit in exhibits:
            yield exhibit, self.verdict(exhibit)

    def verdict(self, exhibit: Exhibit) -> Verdict:
        """A random verdict on the exhibit as it would be shown, or why it cannot be."""
        try:
            asking = prompts.Asking(self.rubric, language=self.language, schema_bound=self.schema_bound)
            rubric, messages = asking.rubric_of(exhibit), asking.render(exhibit)
        except (NoRubric, prompts.Unfit) as error:
            return unshown(error)
        rng = self._rng(messages)
        scores = {} if exhibit.is_pair else {item.key: self._mark(rng) for item in rubric.dimensions}
        if exhibit.is_pair:
            value = float(rng.choice((1, -1, 0)))
        else:
            value = total_mark(scores, rubric) if scores else self._mark(rng)
        return Verdict(
            status=OK,
            value=value,
            scores=scores,
            prompt=tuple({"role": message.role, "content": message.content} for message in messages),
            tokens_in=prompt_tokens(messages),
            tokens_out=BOUND_REPLY_TOKENS * max(1, len(scores)) if self.schema_bound else REPLY_TOKENS,
        )

    def _rng(self, messages: Sequence[Message]) -> random.Random:
        digest = blake2b(str(self.seed).encode(), digest_size=8)
        for message in messages:
            digest.update(message.content.encode("utf-8", "surrogatepass"))
        return random.Random(digest.digest())

    def _mark(self, rng: random.Random) -> float:
        """A mark in tenths of the scale, so that any scale gets eleven different ones."""
        return self.rubric.lowest + rng.randint(0, 10) / 10 * (self.rubric.highest - self.rubric.lowest)


def prompt_tokens(messages: Sequence[Message]) -> int:
    """Roughly how many tokens a prompt has, with what an endpoint adds around each message."""
    return sum(TOKENS_PER_MESSAGE + estimated_tokens(message.content) for message in messages)


def estimated_tokens(text: str) -> int:
    """Roughly how many tokens a text has, for prices and not for limits.

    The rule: a Chinese, Japanese or Korean character is 0.8 of a token, four characters of anything else
    are one. English prose comes out a few per cent high on today's tokenizers; code, numbers and rare scripts
    come out low.
    """
    han = sum(1 for character in text if "\u2e80" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af")
    return ceil(han * TOKENS_PER_HAN + (len(text) - han) / CHARACTERS_PER_TOKEN)
