"""Whether a judge's model answers, asked as this judge asks it; see `arena.connecting`."""

from __future__ import annotations

from functools import partial

from django.utils.translation import gettext as _

from arena import connecting
from arena.connecting import Heard
from judging.machines import endpoint_of
from judging.models import Judge


def hear(judge: Judge) -> Heard:
    """What the judge's model replies to one tiny prompt; an error for a judge that asks none."""
    if not judge.model_id:
        return Heard(error=_("This judge asks no model."))
    return connecting.hear(judge.model, partial(endpoint_of, judge))
