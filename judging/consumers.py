"""The socket of a run's page: it is sent the progress fragment anew whenever the run's bell rings."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from judging.watching import FORBIDDEN, Watcher, leave, sight_now, watch

logger = logging.getLogger(__name__)


class RunProgress(AsyncWebsocketConsumer):
    """Refuses at subscribe time; afterwards sends {seq, html} at once and at most once a second, see `judging.watching`."""

    watcher: Watcher | None = None
    sending: asyncio.Task | None = None

    async def connect(self):
        self.pk = self.scope["url_route"]["kwargs"]["pk"]
        user = self.scope["user"]
        if await sight_now(user, self.pk) is None:
            await self.close(code=FORBIDDEN)
            return
        await self.accept()
        self.watcher = Watcher(user.pk, language_of(self.scope))
        self.sending = asyncio.create_task(self.send_what_comes())
        watch(self.pk, self.watcher)

    async def disconnect(self, code):
        if self.watcher:
            await leave(self.pk, self.watcher)
        if self.sending:
            self.sending.cancel()
            with suppress(asyncio.CancelledError):
                await self.sending

    async def send_what_comes(self):
        """Send each fragment; those that come while one is on its way to a slow reader are skipped, but for the newest."""
        try:
            while (message := await self.watcher.next()) is not None:
                await self.send(text_data=message)
            await self.close(code=FORBIDDEN)
        except OSError:
            return  # the reader left while a fragment was on its way
        except Exception:
            logger.exception("The progress of run %s could not be sent", self.pk)
            await self.close(code=1011)


def language_of(scope) -> str:
    """The language the page was read in, as it says in the address; the site's own where it says nothing we know."""
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [""])[0]
    return asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
