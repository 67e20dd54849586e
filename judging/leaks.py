"""PLACEHOLDER by the lead until the helper's own is written over it."""


def masked(text, leaks):
    return text
