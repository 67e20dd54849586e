"""A person's own window in a real Chromium, and what is wrong with the page that is open in it."""

from __future__ import annotations

from django.conf import settings
from django.test import Client

from tests.browser.axe import violations

THEMES, LANGUAGES = ("light", "dark"), ("en", "zh-hans")
LOOKS = [(theme, language) for theme in THEMES for language in LANGUAGES]
WIDTHS = (1366, 768, 320)
"""CSS pixels: a desk, a tablet, and the narrowest that WCAG 2.2 asks for (1.4.10)."""
PATIENCE = 30_000
"""Milliseconds in which a page does what it is asked, on a slow and busy machine too."""
BROKEN_POLICY = """
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => window.reports.push(
  `${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


class Visit:
    """A window of `user`'s (None: of a visitor); remembers requests to other origins, complaints, and scripts that failed."""

    def __init__(
        self, browser, origin: str, user=None, *, theme="light", language="en", width=WIDTHS[0], scripts=True, **more
    ):
        self.origin = origin
        self.elsewhere: list[str] = []
        self.said: list[str] = []
        self.failed: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, **more
        )
        self.look(theme, language)
        if user is not None:
            self.sign_in(user)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script(BROKEN_POLICY)
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("console", lambda message: self._hear(message.text))
        self.page.on("pageerror", lambda error: self.failed.append(str(error)))

    def look(self, theme: str, language: str) -> None:
        """Have pages that are opened from now on in this theme and language."""
        self.theme, self.language = theme, language
        self.cookie("theme", theme)
        self.cookie(settings.LANGUAGE_COOKIE_NAME, language)

    def cookie(self, name: str, value: str) -> None:
        self.context.add_cookies([{"name": name, "value": value, "url": self.origin}])

    def sign_in(self, user) -> None:
        client = Client()
        client.force_login(user)
        self.cookie(settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value)

    def _note(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.elsewhere.append(url)

    def _hear(self, said: str) -> None:
        # the live server of these tests answers no sockets: pages read without one
        if "/ws/" not in said:
            self.said.append(said)

    def open(self, path: str):
        """The page of this address."""
        self.page.goto(self.origin + path)
        return self.page

    def sideways(self) -> int:
        """CSS pixels by which the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def faults(self, *paths: str, status: int = 200) -> list[str]:
        """What is wrong with these pages, each opened anew and all its folds; without one, with the page that is open.

        `status` is what the pages answer; Chromium's complaint of one that is no success is not counted.
        """
        return [one for path in paths for one in self._opened(path, status)] if paths else self._seen(status)

    def _opened(self, path: str, status: int) -> list[str]:
        answer = self.page.goto(self.origin + path)
        policy = answer.headers.get("content-security-policy", "")
        wrong = [] if answer.status == status else [f"{path} answers {answer.status}, not {status}"]
        if "default-src" not in policy or "unsafe-inline" in policy or "unsafe-eval" in policy:
            wrong.append(f"{path} is under the policy {policy!r}")
        self.page.locator("main details").evaluate_all("folds => folds.forEach((fold) => { fold.open = true; })")
        return wrong + self._seen(status)

    def _seen(self, status: int) -> list[str]:
        page, wrong = self.page, []
        before = page.viewport_size
        for what, meant in {"lang": self.language, "data-theme": self.theme}.items():
            found = page.locator("html").get_attribute(what)
            if found != meant:
                wrong.append(f"has {what}={found}, not {meant}")
        if page.locator("h1").count() != 1:
            wrong.append(f"has {page.locator('h1').count()} titles")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": before["height"]})
            if self.sideways() > 0:
                wrong.append(f"is {self.sideways()} px wider than {width} px")
            wrong += [f"at {width} px: {one}" for one in violations(page)]
        page.set_viewport_size(before)
        wrong += [f"asks {url}" for url in self.elsewhere] + [f"fails: {error}" for error in self.failed]
        wrong += [f"says {said}" for said in self.said if status == 200 or f"status of {status}" not in said]
        wrong += [f"breaks its policy: {one}" for one in page.evaluate("window.reports || []")]
        self.elsewhere, self.said, self.failed = [], [], []
        return [f"{page.url.removeprefix(self.origin)} {one}" for one in wrong]
