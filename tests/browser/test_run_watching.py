"""A lead sets up a run in a real Chromium and watches it to the end, on the real server with its worker and sockets."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest

from arena import setup
from tests.browser.axe import violations
from tests.browser.visiting import LOOKS, Visit
from tests.judging.recorded import PASSWORD
from tests.openai_server import serve

pytestmark = [pytest.mark.browser]
QUESTIONS = 24
SEED = """
import sys, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from judging.models import Judge
from tests.judging import recorded as make
benchmark = make.benchmark()
for n, question in enumerate(make.answered(benchmark, "Ash", "Birch", questions=int(sys.argv[2]))):
    question.answers.filter(model__name="Ash").update(turns=["Six minutes " + "and a little more salt in the water " * (n % 3)])
oracle = make.model("oracle-model", provider="openai", base_url=sys.argv[1], endpoint_model="vocabulary")
make.judge("oracle", kind="llm", model=oracle)
make.preference(make.battle(benchmark.questions.first()), make.judge("steady"), reply="A", prompt=[{"role": "user", "content": "Which?"}])
make.run(benchmark, name="for people", status="open", limits={"overlap": 2})
make.person("lena", "lead", password=make.PASSWORD)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[str]:
    """The address of `manage.py up`, in a process and on a database of its own, with a judge behind a slow endpoint."""
    data = tmp_path_factory.mktemp("site")
    services = ("DATABASE_URL", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in services}
    environment |= {"JURYROOM_DATA": str(data), "JURYROOM_NO_SETUP": "1", "DJANGO_SETTINGS_MODULE": "arena.settings"}
    environment["PYTHONPATH"] = os.pathsep.join([str(setup.ROOT), environment.get("PYTHONPATH", "")])
    port = free_port()
    with serve(latency=0.5, garble=0.04) as endpoint:
        seed = [sys.executable, "-c", SEED, endpoint.base_url, str(QUESTIONS)]
        subprocess.run(seed, cwd=setup.ROOT, env=environment, check=True)
        with (data / "log").open("w") as log:
            command = [sys.executable, "manage.py", "up", "--port", str(port)]
            server = subprocess.Popen(command, cwd=setup.ROOT, env=environment, stdout=log, stderr=log)
            try:
                wait_for(f"http://127.0.0.1:{port}/health/", server)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()
                server.wait(20)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, *, seconds: float = 30) -> None:
    """Return when the address answers. Raises AssertionError when the server ended or time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{address} did not answer in {seconds} s")


def sign_in(page, site: str) -> None:
    page.goto(f"{site}/sign-in/?next=/runs/")
    page.locator("#id_username").fill("lena")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("main form:has(#id_password) button").click()
    page.wait_for_url(f"{site}/runs/")


def test_a_lead_starts_a_run_from_the_form_and_watches_it_to_the_end(page, site):
    polls, frames = [], []
    page.on("request", lambda request: polls.append(request.url) if request.url.endswith("/progress/") else None)
    page.on("websocket", lambda opened: opened.on("framereceived", lambda frame: frames.append(frame)))
    sign_in(page, site)
    page.get_by_role("link", name="New run").click()
    page.get_by_label("Name").fill("watched")
    page.get_by_label("Ash 1 (Northmoor)").check()
    page.get_by_label("Birch 1 (Northmoor)").check()
    page.get_by_label("oracle (language model)").check()
    page.get_by_text(f"{2 * QUESTIONS} calls to judging models").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="Start the run").click()
    page.get_by_role("heading", name="watched").wait_for()
    page.evaluate("window.notReloaded = true")
    page.locator("#run-progress[data-status=done]").wait_for(timeout=60_000)
    assert page.locator("#run-progress[data-percent='100']").count() == 1
    assert "The run is done." in page.locator("[data-run-said]").text_content()
    assert page.evaluate("window.notReloaded") is True
    assert len(frames) >= 2 and polls == [], "the socket brought it, not polling"
    cells = page.locator("table", has_text="Progress by judge").locator("tbody td.number").all_text_contents()
    assert int(cells[0]) + int(cells[1]) == 2 * QUESTIONS and cells[2] == "0"
    assert violations(page) == []


def test_the_page_polls_while_the_socket_is_down_and_stops_at_the_end(page, site, chromium):
    page.route_web_socket(re.compile("/ws/runs/"), lambda socket: socket.close())
    polls = []
    page.on("request", lambda request: polls.append(request.url) if request.url.endswith("/progress/") else None)
    sign_in(page, site)
    page.get_by_role("link", name="for people").click()
    page.locator("#run-progress[data-status=open]").wait_for()
    other = chromium.new_context(locale="en-GB")
    lead = other.new_page()
    sign_in(lead, site)
    lead.get_by_role("link", name="for people").click()
    lead.get_by_role("button", name="Close for votes").click()
    lead.locator("#run-progress[data-status=done]").wait_for()
    other.close()
    page.locator("#run-progress[data-status=done]").wait_for(timeout=12_000)
    asked = len(polls)
    assert asked >= 1
    page.wait_for_timeout(6_000)
    assert len(polls) == asked


def test_the_form_puts_away_what_does_not_apply(page, site):
    sign_in(page, site)
    page.goto(f"{site}/runs/new/")
    baseline, judges = page.get_by_label("Baseline", exact=True), page.get_by_label("oracle (language model)")
    overlap = page.get_by_label("Votes on each item")
    assert (baseline.is_visible(), judges.is_visible(), overlap.is_visible()) == (False, True, False)
    page.get_by_label("baseline: each model against one").check()
    page.get_by_label("Open for votes by people").check()
    assert (baseline.is_visible(), judges.is_visible(), overlap.is_visible()) == (True, False, True)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_pairs_on_each_question_are_asked_for_in_the_pairwise_mode_alone(chromium, site, scripts):
    context = chromium.new_context(locale="en-GB", java_script_enabled=scripts)
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site}/runs/new/")
    pairs, voted = page.get_by_label("Pairs on each question"), page.get_by_label("Only pairs that people have judged")
    seen = {}
    for mode in ("baseline: each model against one", "single: score each answer", "pairwise: all against all"):
        page.get_by_label(mode).check()
        seen[mode.partition(":")[0]] = (pairs.is_visible(), voted.is_visible())
    context.close()
    assert seen == {"baseline": (False, True), "single": (False, False), "pairwise": (True, True)}


def test_brackets_step_through_the_questions_but_not_while_somebody_types(page, site):
    page.goto(f"{site}/questions/1/")
    page.keyboard.press("]")
    page.wait_for_url(f"{site}/questions/2/")
    page.keyboard.press("[")
    page.wait_for_url(f"{site}/questions/1/")


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_runs_on_the_real_server_are_accessible_and_fit(chromium, site, theme, language):
    window = Visit(chromium, site, theme=theme, language=language)
    sign_in(window.page, site)
    wrong = window.faults("/runs/", "/runs/new/", "/runs/1/")
    window.context.close()
    assert wrong == []
