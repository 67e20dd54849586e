"""Take the screenshots of README.md anew: `.venv/bin/python docs/screenshots.py` (after `manage.py test` has installed Playwright).

Starts the demo in a folder of its own, signs in as its annotator, and photographs what a newcomer sees.
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
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from arena import setup  # noqa: E402

IMAGES = ROOT / "docs" / "images"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(data: str, port: int) -> tuple[subprocess.Popen, str]:
    """The demo's process, once it answers, and the annotator's password."""
    environment = {**os.environ, "JURYROOM_DATA": data, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(ROOT / "manage.py"), "demo", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    password = ""
    for line in process.stdout:
        if found := re.match(r"Sign in as annotator\s+password (\S+)", line):
            password = found[1]
        if "Juryroom is at" in line:
            break
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/", timeout=1):
                return process, password
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the demo did not come up")


def photograph(browser: Browser, site: str, password: str) -> None:
    """The leaderboard as a visitor sees it, and the ballot as an annotator does."""
    page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en-GB")
    page.goto(site)
    page.click("main .card a")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / "leaderboard.png", full_page=True)
    page.goto(f"{site}/sign-in/")
    page.fill("[name=username]", "annotator")
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_load_state("networkidle")
    page.goto(f"{site}/vote/")
    page.click("main a[href^='/vote/'] >> nth=0")
    page.wait_for_load_state("networkidle")
    for _ in range(6):  # a pair that fills its panes says more than one of single words
        if len(page.inner_text("main")) > 1200:
            break
        page.wait_for_timeout(500)
        page.keyboard.press("3")
        page.wait_for_timeout(700)
    page.screenshot(path=IMAGES / "ballot.png")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        port = free_port()
        process, password = serve(data, port)
        try:
            browser = playwright.chromium.launch(executable_path=setup.chromium(), args=FLAGS)
            photograph(browser, f"http://127.0.0.1:{port}", password)
            browser.close()
        finally:
            process.terminate()
            process.wait(15)


if __name__ == "__main__":
    main()
