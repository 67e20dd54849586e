"""PLACEHOLDER by the lead until the helper's own is written over it."""


def leaks_of(answer):
    return []


def seat_leaks(seat):
    return []
