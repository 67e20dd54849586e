"""The words by which exports say a preference, A being the battle's first answer. Loading knows the same words."""

from __future__ import annotations

from judging.models import Preference

BOTH_BAD = "both bad"
WORD_OF = {2: "A much better", 1: "A better", 0: "tie", -1: "B better", -2: "B much better"}


def word_of(row: Preference) -> str:
    """What a preference says. A judge's probability between two words is told as the nearer one, its side kept."""
    if row.both_bad:
        return BOTH_BAD
    value = row.value
    if value and abs(value) < 1:
        return WORD_OF[1 if value > 0 else -1]
    return WORD_OF[round(value)]
