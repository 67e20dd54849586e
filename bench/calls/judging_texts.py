"""Questions and answers of the usual size, made of few words: the same texts for everybody who is measured."""

from __future__ import annotations

ANSWERS = ("Ash", "Birch")
TEXT = """
    boil simmer egg salt water pan minute heat cold yolk white shell timer steam cool peel soft firm spoon bowl kitchen
    cook taste pinch vinegar lid gently wait serve toast butter pepper careful fresh older size large medium
"""
WORDS = TEXT.split()


def _text(seed: int, words: int) -> str:
    """So many words, each depending on the seed."""
    state, found = seed * 2654435761 + 1, []
    for k in range(words):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        found.append(WORDS[(state >> 33) % len(WORDS)] + ("." if k % 12 == 11 else ""))
    return " ".join(found)


def question(k: int) -> str:
    """Question k: 40 words."""
    return f"Question {k}: {_text(k, 40)}?"


def answer(name: str, k: int) -> str:
    """What this model wrote to question k: 120 to 200 words."""
    at = ANSWERS.index(name)
    return f"{_text(7919 * (at + 1) + k, 120 + (k * 37 + at * 53) % 81)} {name} {k}."
