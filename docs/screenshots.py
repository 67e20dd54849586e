"""Take every picture of README.md and of the guides anew, in both languages: `.venv/bin/python docs/screenshots.py [GUIDE …]`.

It starts the demo in a temporary folder, adds scores, a profile and an upload with faults, and photographs
pages at one fixed size. `manage.py test` has installed Playwright and a browser before.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from arena import setup  # noqa: E402

IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1280, "height": 860}
COLOURS = 128  # of a palette; pages have few, and a picture stays under a tenth of a megabyte
LANGUAGES = {"en": "en", "zh": "zh-hans"}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
QUESTIONS = """{"key": "boil-1", "category": "cooking", "turns": ["How long do I boil an egg so that its yolk stays soft?"]}
{"key": "sum-1", "category": "arithmetic", "turns": ["A loaf costs 3 coins and a jar of jam 5. What do two loaves and a jar cost?"]}
"""
ANSWERS = """question,model,version,vendor,turns
boil-1,Finch,2,Northmoor Labs,Six minutes in boiling water; then cool it at once.
sum-2,Finch,2,Northmoor Labs,11 coins.
"""
SCORES = """model,version,benchmark,category,metric,value,unit,n,target,source
Pebble 7B,1.2,pantry-exam,cooking,accuracy,71.5,%,200,75,our own bench of May
Pebble 7B,1.2,pantry-exam,arithmetic,accuracy,64,%,150,60,our own bench of May
Jade 9B,3.1,pantry-exam,cooking,accuracy,74,%,200,75,our own bench of May
"""
GATES = (
    {"name": "Overall", "kind": "board", "benchmark": "demo", "at": "low", "value": "1000", "min_n": "300"},
    {"name": "Exam", "kind": "score", "benchmark": "pantry-exam", "metric": "accuracy", "value": "70", "min_n": "100"},
    {"name": "Persona", "kind": "board", "benchmark": "demo", "category": "persona", "value": "950", "min_n": "300"},
)


@dataclass(frozen=True)
class Picture:
    """What one picture shows: the page at `path` as `who` sees it ("" is a visitor), from the element `at` down.

    `act` does first what cannot be had by an address.
    """

    name: str
    who: str
    path: str
    at: str = ""
    act: Callable[[Page], None] | None = None

    @property
    def guide(self) -> str:
        return self.name.split("-")[0]


def fuller_pair(page: Page) -> None:
    """Vote until a pair comes that fills its panes: it says more than one of single words."""
    for _ in range(8):
        if len(page.inner_text("main")) > 1200:
            break
        page.wait_for_timeout(500)
        page.keyboard.press("3")
        page.wait_for_timeout(700)


def keys(page: Page) -> None:
    page.wait_for_timeout(400)
    page.keyboard.press("?")
    page.wait_for_timeout(400)


def choose(page: Page) -> None:
    """Fill in the form of a run, so that its forecast and its prompt show."""
    page.fill("[name=name]", "Kitchen models, first look")
    page.check("[name=mode][value=pairwise]")
    for box in page.locator("[name=candidates]").all()[:3]:
        box.check()
    page.check("[name=judges] >> nth=0")


def forecast(page: Page) -> None:
    choose(page)
    page.click("[name=check]")
    page.wait_for_load_state("networkidle")


def try_out(page: Page) -> None:
    choose(page)
    page.click("[name=try]")
    page.wait_for_url("**/try-outs/*/")
    page.wait_for_timeout(3000)
    page.reload()


PICTURES = (
    Picture("annotator-list", "annotator", "/vote/"),
    Picture("annotator-ballot", "annotator", "/vote/4/", act=fuller_pair),
    Picture("annotator-keys", "annotator", "/vote/4/", act=keys),
    Picture("annotator-marks", "annotator", "/vote/5/"),
    Picture("lead-upload", "lead", "/uploads/2/"),
    Picture("lead-run", "lead", "/runs/new/"),
    Picture("lead-forecast", "lead", "/runs/new/", at="#step-review", act=forecast),
    Picture("lead-try", "lead", "/runs/new/", act=try_out),
    Picture("lead-monitor", "lead", "/runs/1/"),
    Picture("lead-rubric", "lead", "/rubrics/2/edit/"),
    Picture("lead-trust", "lead", "/trust/1/"),
    Picture("lead-contested", "lead", "/benchmarks/1/contested/"),
    Picture("lead-annotators", "lead", "/runs/4/annotators/"),
    Picture("stakeholder-board", "", "/leaderboard/1/", at="#board-caption"),
    Picture("stakeholder-choices", "", "/leaderboard/1/"),
    Picture("stakeholder-categories", "", "/leaderboard/1/", at="#heat-title"),
    Picture("stakeholder-agreement", "", "/agreement/1/", at="#people"),
    Picture("stakeholder-price", "", "/snapshots/1/charts/", at="section:has(details) >> nth=1"),
    Picture("stakeholder-model", "", "/models/1/?profile=Kitchen+assistant", at="#gates"),
    Picture("stakeholder-battle", "", "/battles/1/"),
    Picture("operator-accounts", "lead", "/runs/4/people/"),
    Picture("operator-webhook", "lead", "/webhooks/new/"),
    Picture("operator-tokens", "lead", "/me/tokens/"),
)


def free_port() -> int:
    """8000, which readers know from their own machine and pictures show; any other where it is taken."""
    for port in (8000, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise SystemExit("no port is free")


def manage(data: str, *arguments: str) -> subprocess.Popen:
    environment = {**os.environ, "JURYROOM_DATA": data, "JURYROOM_NO_SETUP": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def serve(data: str, port: int) -> tuple[subprocess.Popen, dict[str, str]]:
    """The demo's process, once it answers, and the passwords of its accounts."""
    process = manage(data, "demo", "--port", str(port))
    passwords = {}
    for line in process.stdout:
        if found := re.match(r"Sign in as (\w+)\s+password (\S+)", line):
            passwords[found[1]] = found[2]
        if "Juryroom is at" in line:
            break
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/", timeout=1):
                return process, passwords
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the demo did not come up")


def sign_in(page: Page, site: str, who: str, password: str) -> None:
    page.goto(f"{site}/sign-in/")
    page.fill("[name=username]", who)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_load_state("networkidle")


def prepare(page: Page, site: str, data: str) -> None:
    """An upload with faults, scores from elsewhere and a profile with gates, as a lead makes them."""
    files = {"questions.jsonl": QUESTIONS, "answers.csv": ANSWERS, "scores.csv": SCORES}
    for name, text in files.items():
        (Path(data) / name).write_text(text, encoding="utf-8")
    page.goto(f"{site}/uploads/new/")
    page.set_input_files("[name=files]", [Path(data) / "questions.jsonl", Path(data) / "answers.csv"])
    page.fill("main [name=name]", "kitchen")
    page.get_by_role("button", name="Look at the files").click()
    page.wait_for_url("**/uploads/1/")
    if manage(data, "load", "scores", str(Path(data) / "scores.csv")).wait(120):
        raise SystemExit("the scores could not be loaded")
    page.goto(f"{site}/profiles/new/")
    page.fill("main [name=name]", "Kitchen assistant")
    page.check("[name=basis][value=ones]")
    for number, gate in enumerate(GATES):
        if number:
            page.click("[name=more]")
            page.wait_for_load_state("networkidle")
        for field, value in gate.items():
            one = page.locator(f"[name=gates-{number}-{field}]")
            one.select_option(value) if field in ("kind", "at", "op") else one.fill(value)
    page.get_by_role("button", name="Save the profile").click()
    page.wait_for_url("**/profiles/")


def stopped(request: Request) -> None:
    """A page without its style is no picture. Files that change while the site runs, for one, cannot be had from it."""
    if request.failure != "net::ERR_ABORTED":
        raise SystemExit(f"{request.url}: {request.failure}")


def take(page: Page, site: str, picture: Picture, language: str) -> None:
    page.goto(site + picture.path)
    page.wait_for_load_state("networkidle")
    if picture.act:
        picture.act(page)
    if picture.at:
        page.locator(picture.at).first.evaluate("one => scrollTo(0, one.getBoundingClientRect().top + scrollY - 24)")
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(400)
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    shot = shot.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    shot.save(IMAGES / f"{picture.name}.{language}.png", optimize=True)


def photograph(browser: Browser, site: str, passwords: dict[str, str], wanted: list[Picture]) -> None:
    for language, code in LANGUAGES.items():
        people = {"annotator": "annotator" if language == "en" else "biaozhu", "lead": "lead", "": ""}
        for who, account in people.items():
            context = browser.new_context(viewport=SIZE, locale="en-GB", reduced_motion="reduce")
            context.add_cookies(
                [
                    {"name": "django_language", "value": code, "url": site},
                    {"name": "theme", "value": "light", "url": site},
                ]
            )
            page = context.new_page()
            page.on("requestfailed", stopped)
            if account:
                sign_in(page, site, account, passwords[account])
            for picture in wanted:
                if picture.who == who:
                    take(page, site, picture, language)
            context.close()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    wanted = [one for one in PICTURES if not sys.argv[1:] or one.guide in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        port = free_port()
        site = f"http://127.0.0.1:{port}"
        process, passwords = serve(data, port)
        try:
            browser = playwright.chromium.launch(executable_path=setup.chromium(), args=FLAGS)
            page = browser.new_page(locale="en-GB")
            sign_in(page, site, "lead", passwords["lead"])
            prepare(page, site, data)
            photograph(browser, site, passwords, wanted)
            browser.close()
        finally:
            process.terminate()
            process.wait(15)


if __name__ == "__main__":
    main()
