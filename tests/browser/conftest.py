"""What the browser tests may ask for: windows of persons by their look, and a page of somebody who may vote."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client

from tests.browser.visiting import Visit
from tests.judging import voting


@pytest.fixture
def visit(chromium, live_server):
    """Make visits of a person (None: a visitor) by their look; their windows are closed afterwards."""
    made: list[Visit] = []

    def make_visit(user=None, **look) -> Visit:
        made.append(Visit(chromium, live_server.url, user, **look))
        return made[-1]

    yield make_visit
    for one in made:
        one.context.close()


@pytest.fixture
def signed_in(page, live_server):
    """A page of an annotator's; `go` opens an address of the live server, `sign_in` is as anybody else."""
    page.cookie = lambda name, value: page.context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
    page.go = lambda address: page.goto(live_server.url + address)
    page.user = voting.person("ann")

    def sign_in(user) -> None:
        client = Client()
        client.force_login(user)
        page.cookie(settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value)

    page.sign_in = sign_in
    page.sign_in(page.user)
    return page
