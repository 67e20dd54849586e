"""One row of a board as a reader sees it: ranks, what is tinted, and every cell as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse

from arena.models import LanguageModel
from rating.models import Rating
from rating.templatetags.numbers import amount, percent, points

FEW = 30  # judgments; a rating or a coefficient from fewer is marked as preliminary


@dataclass(frozen=True)
class Line:
    """One row of a board as a reader sees it."""

    rating: Rating
    is_leader: bool
    tied: bool
    bar: Mapping[str, str] | None
    few: int = FEW
    speed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def preliminary(self) -> bool:
        return self.rating.n < self.few

    @property
    def model(self) -> LanguageModel:
        return self.rating.model

    @property
    def about(self) -> str:
        """Vendor, version and licence in one line."""
        return " · ".join(filter(None, (self.model.vendor, self.model.version, self.model.licence)))

    @property
    def name(self) -> str:
        return self.rating.model.name

    @property
    def is_tinted(self) -> bool:
        """Whether this is the leader, or cannot be told from it."""
        return self.is_leader or self.tied

    @property
    def is_ranked(self) -> bool:
        return self.rating.rank is not None

    # Written out here and not by filters in the template: a board of 200 rows is rendered in half the time.
    @property
    def told_rating(self) -> str:
        """The rating as it is written; so the others of these names."""
        return points(self.rating.rating, self.rating.method)

    @property
    def told_interval(self) -> str:
        row = self.rating
        return "—" if row.low is None else f"[{points(row.low, row.method)}, {points(row.high, row.method)}]"

    @property
    def told_total(self) -> str:
        return points(self.rating.weighted, self.rating.method)

    @property
    def told_n(self) -> str:
        return intcomma(self.rating.n)

    @property
    def told_failed(self) -> str:
        """How many verdicts failed, of all there should be: "450 (45%)"; a dash where nobody counted."""
        failed = self.rating.n_failed
        if failed is None:
            return "—"
        return f"{intcomma(failed)} ({percent(failed / (failed + self.rating.n))})" if failed else "0"

    @property
    def told_price(self) -> str:
        """Prices in and out: "0.5 / 2"; one dash where neither is known."""
        known = self.model.price_in, self.model.price_out
        return "—" if known == (None, None) else " / ".join(map(amount, known))

    @property
    def address(self) -> str:
        return reverse("model", args=[self.rating.model_id])

    @property
    def has_range(self) -> bool:
        """Whether more ranks than one are allowed."""
        return self.ranks not in ("", str(self.rating.rank))

    @property
    def per_second(self) -> float | None:
        """Tokens a second, the median of this benchmark's answers; None where it is not known."""
        return self.speed.get("per_second")

    @property
    def first_token(self) -> float | None:
        """Seconds until the first token, the median; None where it is not known."""
        return self.speed.get("first_token")

    @property
    def ranks(self) -> str:
        """The rank with the range the data allow: "2", or "1–3"; empty when unranked."""
        row = self.rating
        low, high = row.rank_low or row.rank, row.rank_high or row.rank
        return "" if row.rank is None else str(low) if low == high else f"{low}–{high}"
