"""How far a judge may be trusted in a category: its agreement with people beside people's own, order, silence; in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from rating.drift import DRIFTS
from rating.health import CHANGED, MUTE
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


class Standing(TextChoices):
    TRUSTED = "trusted", _("trusted here")
    NOT = "not", _("not trusted here")
    FEW = "few", _("not enough data")


class Reason(TextChoices):
    """Why a judge stands as it does; those of DECIDING decide, the others are to be known beside it."""

    BELOW = "below", _("agrees with people less than they do with each other")
    TURNING = "turning", _("the order of the answers sways it")
    MUTE = "mute", _("often gives no verdict")
    CLOSE = "close", _("agrees with people as they do with each other")
    UNSURE = "unsure", _("its agreement with people is not certain enough")
    FEW = "few", _("people have judged too few of the same items")
    OWN_FAMILY = "own_family", _("favours its own family")
    LONGER = "longer", _("favours long answers")
    MARKDOWN = "markdown", _("favours markdown")
    DRIFT = "drift", _("its verdicts have changed over time")


DECIDING = (Reason.BELOW, Reason.TURNING, Reason.MUTE)
SILENCE = 0.1  # share of tries: a judge whose replies hold no verdict more often cannot be relied on
LEANING = 0.05  # of shares: favouring something by less than this over people is not worth a warning


def standing(
    judge: Agreement | None, people: Agreement | None, flips: Agreement | None, told: Mapping[str, Any]
) -> tuple[Standing, list[Reason]]:
    """Whether a judge is trusted in one category, with the reasons, deciding ones first.

    *Not* where its agreement is below people's, where the order sways it, or where it is often mute, each by a whole
    interval; *trusted* where none of these holds and it agrees as people do; else there is not enough data. `told` is the
    judge's health there (see `rating.health`), {} where it is not known. Leanings and drift never decide: people lean
    too, and of so many shares some reach beyond their interval by chance.
    """
    close = trust(judge, people)
    against = {
        Reason.BELOW: close == Trust.BELOW,
        Reason.TURNING: steadiness(flips) == Steadiness.TURNING,
        Reason.MUTE: _is_mute(told.get("failures", {}).get(MUTE, {})),
    }
    reasons = [reason for reason, holds in against.items() if holds]
    decided = Standing.NOT if reasons else Standing.TRUSTED if close == Trust.CLOSE else Standing.FEW
    if decided != Standing.NOT:
        reasons.append(Reason(close.value))
    return decided, reasons + cautions(told)


def cautions(told: Mapping[str, Any]) -> list[Reason]:
    """What to know of a judge beside whether it is trusted: what it favours more than people do, and drift."""
    leaning = [reason for reason in (Reason.OWN_FAMILY, Reason.LONGER, Reason.MARKDOWN) if _leans(told.get(reason, {}))]
    return leaning + ([Reason.DRIFT] if told.get("drift", {}).get("note") in (CHANGED, DRIFTS) else [])


def _is_mute(mute: Mapping[str, Any]) -> bool:
    return mute.get("n", 0) >= FEW and (mute.get("low") or 0.0) > SILENCE


def _leans(told: Mapping[str, Any]) -> bool:
    """Whether the judge favours this more than others do, on enough verdicts and with the whole interval."""
    return told.get("n", 0) >= FEW and (told.get("difference_low") or 0.0) > LEANING
