"""What can go wrong when numbers are computed: one family, each error with a name and the sentence that says why."""

from __future__ import annotations


class StatsError(ValueError):
    """No number can honestly be given; the message says why in one sentence."""


class ImpossibleInput(StatsError):
    """The data or a setting cannot be: a model against itself, NaN, a value out of range, unequal lengths."""


class TooLittleData(StatsError):
    """There is nothing, or not enough, to compute the number from."""


class NotConverged(StatsError):
    """The solver did not reach a solution, or there is no finite one."""
