"""The socket of a run's page: when the bell rings, it sends the progress fragment anew."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from judging.access import runs_seen_by
from judging.views.runs import progress_context

EVERY = 1.0  # seconds between two fragments, however often the bell rings
FORBIDDEN = 4403
logger = logging.getLogger(__name__)


class RunProgress(AsyncWebsocketConsumer):
    """Refuses at subscribe time; afterwards sends {seq, html} at once and at most once a second."""

    pump: asyncio.Task | None = None
    topic = ""
    seq = 0

    async def connect(self):
        self.pk = self.scope["url_route"]["kwargs"]["pk"]
        self.language = language_of(self.scope)
        self.bell = asyncio.Event()
        if await self.fragment() is None:
            await self.close(code=FORBIDDEN)
            return
        self.topic = f"run-{self.pk}"
        await self.channel_layer.group_add(self.topic, self.channel_name)
        await self.accept()
        self.bell.set()
        self.pump = asyncio.create_task(self.send_when_rung())

    async def disconnect(self, code):
        if self.topic:
            await self.channel_layer.group_discard(self.topic, self.channel_name)
        if self.pump:
            self.pump.cancel()
            with suppress(asyncio.CancelledError):
                await self.pump

    async def rang(self, message):
        self.bell.set()

    async def send_when_rung(self):
        """Send a fragment for each bell; bells that ring while one is made, or within a second, are one."""
        try:
            while True:
                await self.bell.wait()
                self.bell.clear()
                html = await self.fragment()
                if html is None:
                    await self.close(code=FORBIDDEN)
                    return
                self.seq += 1
                await self.send(text_data=json.dumps({"seq": self.seq, "html": html}))
                await asyncio.sleep(EVERY)
        except OSError:
            return  # the reader left while a fragment was on its way
        except Exception:
            logger.exception("The progress of run %s could not be sent", self.pk)
            await self.close(code=1011)

    @database_sync_to_async
    def fragment(self) -> str | None:
        """The fragment as this person may see it, in their language; None when they may not (any more)."""
        run = runs_seen_by(self.scope["user"]).filter(pk=self.pk).first()
        if run is None:
            return None
        with translation.override(self.language):
            return render_to_string("judging/_run_progress.html", progress_context(run, self.scope["user"]))


def language_of(scope) -> str:
    """The language the page was read in, as it says in the address; the site's own where it says nothing we know."""
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [""])[0]
    return asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
