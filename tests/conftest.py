"""What every test may ask for: the shared data folder, a real Chromium, a page in it; and CI's rule about skips."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.utils import translation
from playwright.sync_api import Browser, Page, expect, sync_playwright

from arena import setup
from tests.browser.visiting import PATIENCE

NO_SHARED = "the shared data folder is not here"
NO_CHROMIUM = "Chromium is not here"
CHROMIUM_FLAGS = [
    "--no-sandbox",  # in a container Chromium runs as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=PATIENCE)
# How fast examples are made and tried is the machine's matter: a busy one fails no property.
SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("unhurried", deadline=None, suppress_health_check=SLOW)
hypothesis.settings.load_profile("unhurried")


def shared_folder() -> Path:
    """Return where the shared data folder would be: JURYROOM_SHARED, else `shared` beside the project."""
    return Path(os.environ.get("JURYROOM_SHARED") or setup.ROOT.parent / "shared")


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """A page that was read in another language leaves it to nobody else."""
    yield
    if settings.configured:
        translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file of this process, opened as a site opens its own: who finds it locked waits, and threads take turns.

    In memory a table that another thread is at is refused at once, however long the time limit is.
    """
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "arena.sqlite":
        database.setdefault("TEST", {})["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data folder; the test is skipped where there is none."""
    folder = shared_folder()
    if not folder.is_dir():
        pytest.skip(NO_SHARED)
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real, headless Chromium; the test is skipped where none is installed."""
    path = setup.chromium()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    # Playwright's own event loop runs in this thread from now on, and Django would refuse every query beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page with cookies of its own, in English; the test fails where a script on it did."""
    context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"scripts failed on the page: {errors}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last: Playwright's loop stays in this thread, and `asyncio.run` would fail after it."""
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


def unexcused(reason: str) -> bool:
    """Whether CI must not accept this reason to skip: what the test lacks is there, or CI should have installed it."""
    if os.environ.get("CI") != "true":
        return False
    return NO_CHROMIUM in reason or (NO_SHARED in reason and shared_folder().is_dir())


def _fail_unexcused(report: pytest.TestReport | pytest.CollectReport) -> pytest.TestReport | pytest.CollectReport:
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if unexcused(reason):
        report.outcome = "failed"
        report.longrepr = f"CI does not accept this skip: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Turn a skip that CI does not accept into a failure, so that the closing line counts it."""
    return _fail_unexcused((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    """The same for a module that skips itself whole."""
    return _fail_unexcused((yield))
