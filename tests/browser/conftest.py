"""What the browser tests may ask for: windows of persons by their look, and a page of somebody who may vote."""

from __future__ import annotations

import pytest

from tests.browser.visiting import Visit
from tests.judging import voting


@pytest.fixture
def visit(chromium, live_server):
    """Make visits of a person (None: a visitor) by their look; afterwards they are closed, and no script has failed."""
    made: list[Visit] = []

    def make_visit(user=None, **look) -> Visit:
        made.append(Visit(chromium, live_server.url, user, **look))
        return made[-1]

    yield make_visit
    for one in made:
        one.context.close()
    assert [error for one in made for error in one.failed] == [], "scripts failed on the page"


@pytest.fixture
def signed_in(visit):
    """A page of an annotator's; `go` opens an address of the live server, `sign_in` is as anybody else, `window` is its visit."""
    user = voting.person("ann")
    window = visit(user, locale="en-GB", width=1280)
    page = window.page
    page.window, page.user = window, user
    page.go, page.cookie, page.sign_in = window.open, window.cookie, window.sign_in
    return page
