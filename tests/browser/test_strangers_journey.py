"""A stranger's whole journey in a real Chromium: from an empty site to a report in hand, by clicks and typing only.

Two things happen outside the browser, both the operator's: the site is started, and the first lead is made by its command.
Everything else is found by its role and its words, as a person finds it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Download, Page, expect

from arena import setup
from tests.browser.test_run_watching import free_port, wait_for
from tests.browser.visiting import PATIENCE
from tests.openai_server import serve

pytestmark = [pytest.mark.browser]
PASSWORD = "plain-kettle-9-noodle"
TOPICS = ("tea", "rice", "soup", "bread", "eggs", "salt", "rain", "snow")
REPLIES = {
    "Ash": "Six minutes.",
    "Birch": "About six minutes, then taste it, add a little salt and rest it under a lid.",
}
LATENCY = 0.5  # seconds of each call, so that there is something to watch
TWO_AT_A_TIME = "2"
SETTLED = 330  # milliseconds after which an item may be decided on


class Site(NamedTuple):
    """Where the site and the mock endpoint of the judge answer."""

    address: str
    endpoint: str


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """An empty site with its worker and sockets, as `manage.py up` serves it, with one account made by the operator."""
    data = tmp_path_factory.mktemp("site")
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment |= {"JURYROOM_DATA": str(data), "JURYROOM_NO_SETUP": "1", "DJANGO_SETTINGS_MODULE": "arena.settings"}
    port = free_port()
    with serve(latency=LATENCY) as endpoint, (data / "log").open("w") as log:
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        server = subprocess.Popen(command, cwd=setup.ROOT, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/health/", server, seconds=120)
            first = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username", "lena"]
            told = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, "DJANGO_SUPERUSER_EMAIL": "lena@example.org"}
            subprocess.run(first, cwd=setup.ROOT, env=environment | told, check=True, capture_output=True)
            yield Site(f"http://127.0.0.1:{port}", endpoint.base_url)
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """What the stranger has at home: eight questions in two categories, and the answers of two models."""
    questions = [
        {"key": topic, "category": ("cooking", "weather")[n > 5], "turns": [f"What about {topic}?"]}
        for n, topic in enumerate(TOPICS)
    ]
    made = [_lines(tmp_path / "kitchen.jsonl", questions)]
    for model, text in REPLIES.items():
        who = {"model": model, "version": "1", "vendor": "Northmoor"}
        answers = [{"question": topic, "turns": [f"{topic.title()}: {text}"], **who} for topic in TOPICS]
        made.append(_lines(tmp_path / f"{model.lower()}.jsonl", answers))
    return made


def _lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


class Windows:
    """Browser windows of several people; notes what any of them asks of another origin, and all that scripts complain of."""

    def __init__(self, chromium: Any, site: Site) -> None:
        self.chromium, self.site = chromium, site
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        self.contexts: list[Any] = []

    def open(self, **look: Any) -> Page:
        context = self.chromium.new_context(**look)
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        page = context.new_page()
        self.listen(page)
        return page

    def listen(self, page: Page) -> None:
        page.on("request", lambda request: self._heard_of(request.url))
        page.on("websocket", lambda socket: self._heard_of(socket.url.replace("ws://", "http://")))
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard_of(self, url: str) -> None:
        if not url.startswith((self.site.address, "data:", "blob:")):
            self.elsewhere.append(url)

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def windows(chromium, site) -> Iterator[Windows]:
    """Windows that are closed at the end."""
    made = Windows(chromium, site)
    yield made
    made.close()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    """Follow the link with these words in the page, as opposed to its header."""
    page.get_by_role("main").get_by_role("link", name=name, exact=True).first.click()


def choose(page: Page, name: str) -> None:
    """Open a page of the menu in the header."""
    page.get_by_role("banner").get_by_text("Set up", exact=True).click()
    page.get_by_role("banner").get_by_role("link", name=name, exact=True).last.click()


def field(page: Page, name: str) -> Any:
    return page.get_by_role("textbox", name=name, exact=True)


def heading(page: Page, name: str) -> None:
    """Wait until the page says this is what it is about."""
    expect(page.get_by_role("heading", name=name, exact=True).first).to_be_visible()


def main(page: Page) -> Any:
    return page.get_by_role("main")


def taken_away(page: Page, name: str) -> tuple[str, bytes]:
    """The file's name and bytes that following this link downloads."""
    with page.expect_download() as waiting:
        follow(page, name)
    download: Download = waiting.value
    return download.suggested_filename, Path(download.path()).read_bytes()


def test_a_stranger_gets_from_an_empty_site_to_a_report_in_hand(windows, site, files):
    began = time.monotonic()
    lead = windows.open(locale="en-GB", viewport={"width": 1366, "height": 900})
    sign_in_on_the_empty_site(lead, site)
    load_the_files(lead, files)
    add_the_judging_model(lead, site)
    write_a_rubric(lead)
    make_the_judge(lead)
    watcher = lead.context.new_page()
    windows.listen(watcher)
    wait_at_the_empty_board(watcher, site)
    try_and_start_a_run(lead)
    watch_it_to_the_end(lead)
    board = read_the_board(lead)
    expect(board_row(watcher, "Birch")).to_be_visible()  # it came by itself
    invitation = open_a_run_for_people(lead)
    keep_the_board_open(watcher, board)
    phone = windows.open(locale="zh-CN", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    join_and_vote_all(phone, invitation)
    see_the_board_follow(watcher)
    look_at_agreement_and_charts(lead, board)
    take_the_report_away(lead)
    take_the_board_away(lead, board)
    assert windows.elsewhere == [] and windows.complaints == []
    assert time.monotonic() - began < 300  # a hang would show, not a slow machine


def sign_in_on_the_empty_site(page: Page, site: Site) -> None:
    page.goto(site.address)
    heading(page, "There is no leaderboard yet")
    page.get_by_role("link", name="Sign in to vote").click()
    field(page, "User name").fill("lena")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    heading(page, "There is no leaderboard yet")
    for name, says, next_step in (
        ("Questions", "No benchmarks yet", "Upload files"),
        ("Models", "No models yet", "New model"),
        ("Runs", "No runs yet", "New run"),
    ):
        page.get_by_role("banner").get_by_role("link", name=name, exact=True).first.click()
        heading(page, says)
        expect(main(page).get_by_role("link", name=next_step).first).to_be_visible()


def load_the_files(page: Page, files: list[Path]) -> None:
    page.get_by_role("link", name="Juryroom").first.click()
    follow(page, "Upload files")
    heading(page, "Upload files")
    page.get_by_label("Files").set_input_files(files)
    field(page, "Name of a new benchmark").fill("kitchen")
    field(page, "Its title").fill("Kitchen talk")
    press(page, "Look at the files")
    heading(page, "What loading it would do")
    said = main(page)
    expect(said).to_contain_text("8 rows were read")
    expect(said.locator("dl", has_text="new questions").first).to_contain_text("8")
    expect(said.get_by_role("table", name="The first rows: questions")).to_contain_text("What about tea?")
    expect(said.get_by_role("listitem").filter(has_text="birch.jsonl")).to_contain_text("looked at, not loaded")
    press(page, "Load all 3 files")
    expect(said.get_by_role("status").first).to_contain_text("3 files are loaded.")
    heading(page, "What was loaded")
    follow(page, "ash.jsonl")
    expect(page.get_by_role("table", name="Answers in the file, by model")).to_contain_text("Ash")
    follow(page, "Open the benchmark")
    heading(page, "Kitchen talk")


def add_the_judging_model(page: Page, site: Site) -> None:
    page.get_by_role("banner").get_by_role("link", name="Models", exact=True).first.click()
    expect(main(page)).to_contain_text("Birch")
    follow(page, "New model")
    for name, value in {"Name": "oracle-model", "Version": "2026-10", "Vendor": "Own"}.items():
        field(page, name).fill(value)
    page.get_by_role("combobox", name="How it is asked").select_option("OpenAI-compatible")
    field(page, "Base URL").fill(site.endpoint)
    field(page, "Its id at the endpoint").fill("vocabulary")
    press(page, "Add the model")
    expect(main(page).get_by_role("status").first).to_contain_text("The model is added.")
    press(page, "Check the connection")
    expect(main(page).get_by_role("status").first).to_contain_text("It answered in")
    expect(main(page).get_by_role("link", name="New judge")).to_be_visible()


def write_a_rubric(page: Page) -> None:
    choose(page, "Rubrics")
    follow(page, "New rubric")
    field(page, "Name").fill("kitchen")
    field(page, "Title in English").fill("Kitchen rubric")
    field(page, "Title in Chinese").fill("厨房评分标准")
    for n, (key, name, names, weight) in enumerate(
        (("useful", "Useful", "有用", "2"), ("brief", "Brief", "简洁", "1")), start=1
    ):
        press(page, "Add a dimension")
        row = page.get_by_role("group", name=f"Dimension {n}", exact=True)
        for label, value in {"Key": key, "Weight": weight, "Name in English": name, "Name in Chinese": names}.items():
            row.get_by_role("textbox", name=label, exact=True).fill(value)
    press(page, "Save")
    expect(main(page).get_by_role("status").first).to_contain_text("Saved as kitchen v1.")
    expect(main(page)).to_contain_text('Useful "useful" (weight 67%)')


def make_the_judge(page: Page) -> None:
    choose(page, "Judges")
    follow(page, "New judge")
    field(page, "Name").fill("oracle")
    page.get_by_role("combobox", name="Model", exact=True).select_option("oracle-model 2026-10 (Own)")
    press(page, "Save")
    expect(main(page).get_by_role("status").first).to_contain_text("oracle is saved.")


def wait_at_the_empty_board(page: Page, site: Site) -> None:
    page.goto(site.address)
    page.get_by_role("banner").get_by_role("link", name="Questions", exact=True).click()
    follow(page, "Kitchen talk")
    follow(page, "Leaderboard")
    heading(page, "Nothing is judged yet")


def try_and_start_a_run(page: Page) -> None:
    follow(page, "Set up a run")
    field(page, "Name").fill("by the oracle")
    for label in ("Ash 1 (Northmoor)", "Birch 1 (Northmoor)", "oracle (language model)"):
        page.get_by_role("checkbox", name=label).check()
    page.get_by_label("Calls at a time").fill(TWO_AT_A_TIME)
    field(page, "Question").fill("tea")
    press(page, "Show the prompt")
    expect(page.locator("#preview-body")).to_contain_text("What about tea?")
    expect(main(page)).to_contain_text("16 calls to judging models")
    press(page, "Try it on five items")
    heading(page, "Try-out on a few items")
    expect(main(page)).to_contain_text("10 of at most 10 verdicts", timeout=20_000)
    expect(page.get_by_role("table", name=re.compile("What the try-out took"))).to_contain_text("0 / 5")
    expect(main(page)).to_contain_text("Birch is better")
    follow(page, "Back to the set-up, with these numbers")
    expect(main(page)).to_contain_text("16 calls to judging models")
    press(page, "Start the run")


def watch_it_to_the_end(page: Page) -> None:
    heading(page, "by the oracle")
    page.evaluate("window.notReloaded = true")
    progress = page.get_by_role("table", name=re.compile("Progress by judge"))
    expect(progress.get_by_role("row", name=re.compile("oracle"))).to_contain_text("100 %", timeout=30_000)
    expect(main(page)).to_contain_text("The run is done.")
    assert page.evaluate("window.notReloaded") is True, "the socket brought it, not a reload"
    follow(page, "See the leaderboard")


def read_the_board(page: Page) -> str:
    """The address of the board, once it shows who leads, in how many comparisons and within what interval."""
    heading(page, "Kitchen talk")
    row = board_row(page, "Birch")
    expect(row).to_contain_text(re.compile(r"\[-?\d+, -?\d+\]"))
    assert number_of(page) == 8
    expect(main(page)).to_contain_text("Birch wins more than 9 of 10 against Ash.")
    return page.url


def board_row(page: Page, model: str) -> Any:
    return page.get_by_role("table", name=re.compile("All categories")).get_by_role("row", name=re.compile(model))


def number_of(page: Page) -> int:
    """How many comparisons the open board counts, by its caption."""
    caption = page.get_by_role("table", name=re.compile("All categories")).locator("caption").inner_text()
    return int(re.search(r"n = (\d+)", caption)[1])


def open_a_run_for_people(page: Page) -> str:
    """The link of an invitation to a run that waits for one vote on each item."""
    page.get_by_role("banner").get_by_role("link", name="Runs", exact=True).click()
    follow(page, "New run")
    field(page, "Name").fill("by people")
    for label in ("Ash 1 (Northmoor)", "Birch 1 (Northmoor)", "Open for votes by people, in place of machine judges"):
        page.get_by_role("checkbox", name=label).check()
    page.get_by_label("Votes on each item").fill("1")
    press(page, "Start the run")
    heading(page, "by people")
    follow(page, "People")
    press(page, "Make a link")
    link = page.get_by_label("Link of the invitation").input_value()
    assert "/join/" in link
    return link


def keep_the_board_open(page: Page, board: str) -> None:
    with page.expect_websocket() as waiting:
        page.goto(board)
    waiting.value.wait_for_event("framereceived")
    page.evaluate("window.notReloaded = true")


def join_and_vote_all(page: Page, link: str) -> None:
    """In Chinese, on a phone: make an account by the link, and decide on every pair."""
    page.goto(link)
    assert page.locator("html").get_attribute("lang") == "zh-hans"
    expect(page.get_by_role("heading", level=1)).to_have_text("邀请您参加：Kitchen talk")
    field(page, "用户名").fill("xiaomei")
    field(page, "密码").fill(PASSWORD)
    field(page, "密码确认").fill(PASSWORD)
    press(page, "参加")
    for _topic in TOPICS:
        token = page.locator("#ballot").get_attribute("data-token")
        page.wait_for_function("() => window.htmx && document.documentElement.dataset.keys")  # the scripts are there
        page.wait_for_timeout(SETTLED)
        page.get_by_role("button", name=re.compile("^A 更好")).tap()
        page.wait_for_function("(before) => document.querySelector('#ballot').dataset.token !== before", arg=token)
    heading(page, "全部完成，谢谢您")


def see_the_board_follow(page: Page) -> None:
    """The page that stayed open counts the votes as well as the verdicts, without a reload."""
    told = "([n]) => document.querySelector('[data-live=table] caption').textContent.includes(`n = ${n}`)"
    page.wait_for_function(told, arg=[2 * len(TOPICS)])
    assert page.evaluate("window.notReloaded") is True


def look_at_agreement_and_charts(page: Page, board: str) -> None:
    page.goto(board)
    follow(page, "Do the judges agree?")
    heading(page, "Do the judges agree?")
    page.goto(board)
    follow(page, "Charts")
    heading(page, "Charts")
    expect(main(page).locator("svg").first).to_be_visible()


def take_the_report_away(page: Page) -> None:
    page.get_by_role("banner").get_by_role("link", name="Models", exact=True).first.click()
    follow(page, "Birch")
    heading(page, "Birch 1")
    name, text = taken_away(page, "Markdown")
    assert name.endswith(".md") and "Birch" in text.decode() and "Kitchen talk" in text.decode()
    name, text = taken_away(page, "HTML")
    assert name.endswith(".html") and b"<title>" in text and "Kitchen talk" in text.decode()
    assert not re.search(rb"""(?:src|href)=["']https?:""", text), "a file that needs nothing from elsewhere"
    name, text = taken_away(page, "PDF")
    assert name.endswith(".pdf") and text.startswith(b"%PDF-") and text.rstrip().endswith(b"%%EOF")


def take_the_board_away(page: Page, board: str) -> None:
    page.goto(board)
    name, text = taken_away(page, "CSV")
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert name.endswith(".csv") and {row["model"] for row in rows} >= {"Birch", "Ash"}
