"""The socket of a run's page: it is sent the progress fragment anew whenever the run's bell rings."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from urllib.parse import parse_qs

from django.conf import settings

from arena.pumps import FragmentSocket, Pump, asked_of
from judging.watching import RunPump, sight_now, topic_of


class RunProgress(FragmentSocket):
    """For whoever may see the run: {seq, html} at once, and at most once a second afterwards; see `judging.watching`."""

    async def subscribe(self) -> tuple[str, Hashable, Callable[[], Pump]] | None:
        pk, user = self.scope["url_route"]["kwargs"]["pk"], self.scope["user"]
        if await sight_now(user, pk) is None:
            return None
        return topic_of(pk), (user.pk, language_of(self.scope)), partial(RunPump, pk)


def language_of(scope) -> str:
    """The language the page was read in, as it says in the address; the site's own where it says nothing we know."""
    asked = parse_qs(asked_of(scope)).get("lang", [""])[0]
    return asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
