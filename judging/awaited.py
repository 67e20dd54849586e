"""What a run waits for while nothing comes: weights that are loaded, or a worker."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.cache import cache
from django.utils.translation import gettext as _

from arena.chat.local_weights import loading
from arena.models import LanguageModel
from judging.machines import LOCAL, models_of, queue_of
from judging.models import Run

KEPT = 15  # seconds that what a worker said of itself is believed: longer than between two of its beats


def loaded_for(run: Run) -> list[str]:
    """The models of the run whose weights this process is loading at the moment, as their endpoints name them; not those that
    another run alone waits for. A few queries while anything is loaded, else none."""
    under_way = loading()
    if not under_way:
        return []
    mine = models_of(run).filter(provider=LanguageModel.Provider.LOCAL)
    names = {model.endpoint_model or model.name for model in mine}
    return [name for name in under_way if name in names]


def note(run: Run) -> None:
    """Say to whoever looks at the run what this process loads for it. It is news and no record: without a cache nobody hears it."""
    if models := loaded_for(run):
        cache.set(_key(run), models, KEPT)


def awaited(run: Run) -> list[str]:
    """What the run waits for, in the language that is active; empty where it goes on. At most a few queries."""
    if run.status == Run.Status.QUEUED and queue_of(run.pk) == LOCAL:
        return [_("It waits for a worker that runs models itself (queue “local”).")]
    if run.status == Run.Status.RUNNING:
        return [loading_words(models) for models in [cache.get(_key(run))] if models]
    return []


def loading_words(models: Sequence[str]) -> str:
    """That the weights of these models are being loaded, in the language that is active."""
    return _("Loading the weights of %(models)s …") % {"models": ", ".join(models)}


def _key(run: Run) -> str:
    return f"run-{run.pk}-loads"
