"""What axe-core finds wrong on a page that is open in a real browser."""

from functools import cache
from pathlib import Path

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]

RUN = """async (standards) => {
  const found = await axe.run(document, {runOnly: standards, resultTypes: ["violations"]});
  return found.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id}: ${rule.help}\\n    ${node.target.join(" ")}\\n    ${node.html.slice(0, 200)}`
    + node.any.map((check) => `\\n    ${check.message}`).join("")));
}"""


@cache
def source() -> str:
    return (Path(__file__).resolve().parent.parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")


def violations(page, *, standards: list[str] = STANDARDS) -> list[str]:
    """One text for every element that breaks a rule of WCAG 2.2 AA or good practice; empty when the page is clean.

    axe is evaluated by the debugger, so the page's own Content-Security-Policy need not allow it; once for each page.
    """
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(source())
    return page.evaluate(RUN, standards)
