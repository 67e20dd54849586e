"""Weights of categories for totals: of our own, one each, or each category's share of the questions."""

from __future__ import annotations

from collections.abc import Mapping

from rating.models import Profile


def weights_of(profile: Profile, counts: Mapping[str, int]) -> dict[str, float]:
    """The weight of each category, by key; `counts` are the questions of each category there is."""
    if profile.basis == Profile.Basis.ONES:
        return dict.fromkeys(counts, 1.0)
    if profile.basis == Profile.Basis.COUNTS:
        return {key: float(n) for key, n in counts.items()}
    return profile.weights
