"""Lists on a phone in Chinese, which breaks between any two signs: no column is one sign wide."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.arena import every_page
from tests.browser.visiting import WIDTHS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NARROW = """() => [...document.querySelectorAll(".table :is(th, td)")].filter((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  const lines = new Set([...range.getClientRects()].filter((box) => box.width > 0).map((box) => Math.round(box.top)));
  const text = cell.textContent.trim();
  return /\\p{Script=Han}{3}/u.test(text) && lines.size > 2 && text.length / lines.size < 2.5;
}).map((cell) => cell.textContent.trim())"""


@pytest.mark.parametrize("width", [WIDTHS[-1], 390])
def test_no_column_of_a_list_is_one_sign_wide_in_chinese(visit, tmp_path, settings, width):
    settings.MEDIA_ROOT = tmp_path
    there = every_page.rows(tmp_path)
    window = visit(there["lead"], language="zh-hans", width=width)
    narrow = {}
    for name in ("runs", "judges", "rubrics", "benchmarks", "models"):
        page = window.open(reverse(name))
        assert page.locator(".table tbody td").count(), name
        narrow[name] = page.evaluate(NARROW)
        assert window.sideways() == 0
    assert not any(narrow.values()), narrow
