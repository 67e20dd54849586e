"""How far a judge may be trusted in a category: its agreement with people beside people's own, in words."""

from __future__ import annotations

import math

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from rating.models import Agreement

FEW = 30  # items; fewer say nothing
SHARE_MARGIN = 0.05  # of the share of equal votes: a judge that loses less than this to people counts as close
MARGIN = 0.1  # of alpha: closer than this to people's own counts as close
TURNING = 0.2  # share of battles: a judge whose decision turns round with the order more often is swayed by it
STEADY = 0.1  # a judge whose decision turns round more rarely does not


class Trust(TextChoices):
    CLOSE = "close", _("close to people")
    BELOW = "below", _("below people")
    UNSURE = "unsure", _("cannot tell yet")
    FEW = "few", _("not enough data")


def trust(judge: Agreement | None, people: Agreement | None) -> Trust:
    """What the judge's agreement with people says beside people's own.

    Where both are known on the same items, by the difference of the shares of equal votes, paired by question and for all
    categories at once: *below* when its interval lies under 0, *close* when it lies above -SHARE_MARGIN, else *unsure*.
    Elsewhere by the two alphas. Where people's own interval reaches 0 they do not agree themselves, and being as far
    apart as they are is no merit: never *close*.
    """
    if judge is None or people is None or min(judge.n, people.n) < FEW:
        return Trust.FEW
    if judge.difference_low is not None and judge.difference_high is not None:
        if judge.difference_n < FEW:
            return Trust.FEW
        down, up, margin = judge.difference_low, judge.difference_high, SHARE_MARGIN
    elif None in (judge.alpha, judge.low, judge.high, people.alpha, people.low, people.high):
        return Trust.FEW
    else:
        down, up, margin = *_unpaired(judge, people), MARGIN
    if up < 0:
        return Trust.BELOW
    is_close = people.low is not None and people.low > 0 and down > -margin
    return Trust.CLOSE if is_close else Trust.UNSURE


def _unpaired(judge: Agreement, people: Agreement) -> tuple[float, float]:
    """Interval of the difference of two alphas as if they were independent, which is wider than the paired one."""
    difference = judge.alpha - people.alpha
    down = math.hypot(judge.alpha - judge.low, people.high - people.alpha)
    up = math.hypot(judge.high - judge.alpha, people.alpha - people.low)
    return difference - down, difference + up


class Steadiness(TextChoices):
    STEADY = "steady", _("steady")
    TURNING = "turning", _("not to be trusted")
    UNSURE = "unsure", _("cannot tell yet")
    FEW = "few", _("not enough data")


def steadiness(flips: Agreement | None) -> Steadiness:
    """What the share of battles that turn round with the order says of a judge, whole interval on one side or not.

    A judge that the order of the answers sways is worth little alone, whatever people say of it.
    """
    if flips is None or flips.n < FEW or flips.low is None or flips.high is None:
        return Steadiness.FEW
    if flips.low > TURNING:
        return Steadiness.TURNING
    return Steadiness.STEADY if flips.high < STEADY else Steadiness.UNSURE
