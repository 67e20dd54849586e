"""Two people at one thing, in two windows on the real server: nobody's work is lost, and old addresses go on telling the truth."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, expect

from arena import setup
from tests.browser.test_run_watching import free_port, wait_for
from tests.browser.visiting import PATIENCE
from tests.judging.recorded import PASSWORD
from tests.openai_server import serve

pytestmark = [pytest.mark.browser]
LATENCY = 1.5  # seconds of each call: the run is under way for a while
SOON = 2_000  # milliseconds in which a change must show in another's window
SEED = """
import sys, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from judging.models import Rubric
from rating import snapshots
from tests.judging import recorded as make
benchmark = make.benchmark()
questions = make.answered(benchmark, "Ash", "Birch", questions=30)
oracle = make.judge("oracle", kind="llm", model=make.model("oracle-model", provider="openai", base_url=sys.argv[1], endpoint_model="vocabulary"))
steady, person = make.judge("steady"), make.judge("ann", kind="person", user=make.person("ann", "annotator"))
for n, question in enumerate(questions[:8]):
    for judge in (steady, person):
        make.preference(make.battle(question), judge, value=-1 if n == 7 else 1)
snapshots.take(benchmark)
make.run(benchmark, judges=[oracle], name="slow one", status="paused", stage="judgments")
Rubric.of_data("shared", {"title_en": "Shared", "dimensions": [{"key": "facts", "weight": 1, "name_en": "Facts"}]}).save()
for name in ("lena", "otto"):
    make.person(name, "lead", password=make.PASSWORD)
"""


class Site(NamedTuple):
    """Where the site answers, and its database."""

    address: str
    database: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """`manage.py up` with two leads, a rubric, a paused run behind a slow endpoint, and a snapshot."""
    data = tmp_path_factory.mktemp("site")
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment |= {"JURYROOM_DATA": str(data), "JURYROOM_NO_SETUP": "1", "DJANGO_SETTINGS_MODULE": "arena.settings"}
    environment["PYTHONPATH"] = os.pathsep.join([str(setup.ROOT), environment.get("PYTHONPATH", "")])
    port = free_port()
    with serve(latency=LATENCY) as endpoint, (data / "log").open("w") as log:
        seed = [sys.executable, "-c", SEED, endpoint.base_url]
        subprocess.run(seed, cwd=setup.ROOT, env=environment, check=True)
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        server = subprocess.Popen(command, cwd=setup.ROOT, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/health/", server, seconds=120)
            yield Site(f"http://127.0.0.1:{port}", data / "juryroom.sqlite3")
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture
def window(chromium, site) -> Iterator[Any]:
    """Open a window of a lead's by their name, at a path; all are closed afterwards."""
    contexts = []

    def open_window(name: str, path: str) -> Page:
        context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.address}/sign-in/?next={path}")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(site.address + path)
        return page

    yield open_window
    for context in contexts:
        context.close()


def of_dimension(page: Page, label: str) -> Any:
    return page.get_by_role("region", name="Dimensions").get_by_role("textbox", name=label, exact=True).first


def test_the_second_of_two_leads_at_one_rubric_is_told_and_nothing_is_lost(window, site):
    lena, otto = (window(name, "/rubrics/") for name in ("lena", "otto"))
    for page in (lena, otto):
        page.get_by_role("main").get_by_role("link", name="shared").first.click()
        page.get_by_role("main").get_by_role("link", name="Edit", exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Edit shared")
    of_dimension(lena, "Name in English").fill("Facts, by lena")
    lena.get_by_role("button", name="Save", exact=True).click()
    expect(lena.get_by_role("heading", level=1)).to_have_text("shared v1")
    expect(lena.get_by_role("main")).to_contain_text("Facts, by lena")

    of_dimension(otto, "Weight").fill("3")
    of_dimension(otto, "Description in English").fill("Nothing made up, says otto.")
    otto.get_by_role("button", name="Save", exact=True).click()
    told = otto.get_by_role("alert", name="Somebody else saved this rubric while you were editing")
    expect(told).to_contain_text("nothing of yours was saved")
    expect(told).to_contain_text("Facts, by lena")
    assert of_dimension(otto, "Description in English").input_value() == "Nothing made up, says otto."
    assert of_dimension(otto, "Weight").input_value() == "3"
    lena.reload()
    expect(lena.get_by_role("main")).to_contain_text("Facts, by lena")
    expect(lena.get_by_role("main")).not_to_contain_text("says otto")

    of_dimension(otto, "Name in English").fill("Facts, by lena")
    otto.get_by_role("button", name="Save as v2", exact=True).click()
    expect(otto.get_by_role("heading", level=1)).to_have_text("shared v2")
    for words in ("Facts, by lena", "Nothing made up, says otto."):
        expect(otto.get_by_role("main")).to_contain_text(words)


def test_who_watches_a_run_sees_what_another_does_to_it_without_a_reload(window, site):
    lena, otto = (window(name, "/runs/") for name in ("lena", "otto"))
    for page in (lena, otto):
        page.get_by_role("link", name="slow one").click()
        page.locator("#run-progress[data-status=paused]").wait_for()
        page.evaluate("window.notReloaded = true")
    lena.get_by_role("button", name="Resume").click()
    otto.get_by_role("button", name="Pause").wait_for()
    lena.get_by_role("button", name="Pause").wait_for()
    otto.get_by_role("row", name="oracle").first.wait_for()

    lena.get_by_role("button", name="Pause").click()
    began = time.monotonic()
    expect(otto.get_by_text("The run is paused.").first).to_be_attached(timeout=SOON)
    expect(otto.locator("#run-progress[data-status=paused]")).to_be_attached(timeout=SOON)
    assert time.monotonic() - began < SOON / 1000
    assert otto.evaluate("window.notReloaded") is True
    expect(otto.get_by_role("button", name="Resume")).to_be_visible()


def test_a_permalink_goes_on_naming_a_judge_as_it_was_then(window, site):
    lead = window("lena", "/")
    pages = {
        "board": "/snapshots/1/?source=judge:steady",
        "sorted": "/snapshots/1/?source=judge:steady&sort=model",  # not looked at before the change, so kept nowhere
        "trust": "/snapshots/1/trust/",
        "agreement": "/snapshots/1/agreement/",
    }
    before = {name: words(lead, site, path) for name, path in pages.items() if name != "sorted"}
    with closing(sqlite3.connect(site.database, timeout=10)) as database, database:
        assert database.execute("UPDATE judging_judge SET name = 'stern' WHERE name = 'steady'").rowcount == 1
    after = {name: words(lead, site, path) for name, path in pages.items()}
    for name in ("board", "sorted"):
        assert "Ash" in after[name] and "Birch" in after[name] and "n = 8" in after[name], name
    for name, text in after.items():
        assert "steady" in text and "stern" not in text, name
    assert {name: after[name] for name in before} == before


def words(page: Page, site: Site, path: str) -> str:
    answer = page.goto(site.address + path)
    assert answer.status == 200
    return page.get_by_role("main").inner_text()
