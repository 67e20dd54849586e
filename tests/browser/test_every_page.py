"""Every page of the site in a real Chromium: both languages, both themes, three widths; accessible, whole, and of our origin alone.

Pages with much on them, and their other states, are looked at in the same way by the tests of each page.
"""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from judging import bad_cases
from judging.editing_rubrics import Base
from judging.models import BadCase, Rubric
from tests.arena import every_page
from tests.arena.every_page import address, names
from tests.browser.visiting import LOOKS
from tests.judging import recorded as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

READERS = {
    **dict.fromkeys(("login", "password_reset", "password_reset_done", "password_reset_confirm", "join", "guest"), "visitor"),
    **dict.fromkeys(("vote", "ballot", "me", "my_log"), "annotator"),
}  # fmt: skip
"""Who reads a page that is not for leads; every other is read as a lead, who sees the most of it."""
QUERIES = {
    "rubric_compare": "?one={rubric}&other={next_rubric}",
    "bad_case_again": "?rubric={next_rubric}",
    "bad_case_take_up": "?case={bad_case}",
    "record": "?kind=battles&model={model}",
    "model_compare": "?with={other}&benchmark={benchmark}",
    "compare": "?one={snapshot}&other={snapshot}",
    "battle": "?list=battles",
    "meta_new": "?judge={judge}",
}
"""What a page that shows two things, or a list, is asked for."""
NO_PAGES = {
    "health", "model_failures", "upload_example", "guide_image", "run_fragment", "try_out_fragment", "run_recipe",
    "board_svg", *every_page.EXPORTS,
    "set_language", "logout", "theme", "benchmark_delete", "question_delete", "category_move", "category_delete",
    "model_check", "model_delete", "rubric_preview", "judge_check", "judge_learn", "bad_case_new", "bad_case_dismiss", "run_from_yaml",
    "run_start", "run_pause", "run_reread", "run_unread_undo", "run_cancel", "run_close", "run_open", "run_retry", "gold_import",
    "judge_anchors_ask",
    "gold_remove", "invitation_revoke", "webhook_test", "webhook_delete", "upload_check", "upload_load", "upload_delete",
    "grouping_import", "token_revoke", "adjudicate_pass", "adjudicate_undo", "comment_on", "contested_send",
    "password_link", "comment", "undo", "cast", "skip", "flag", "beat",
}  # fmt: skip
"""Addresses that answer with a file, a fragment or an act."""
OF_OTHERS = {
    **dict.fromkeys(("ballot", "guest", "run_voting"), "open_run"),
    "question_new": "unjudged",
    "question_edit": "unjudged_question",
}
"""Pages that lead elsewhere where the run is over, or the benchmark was judged: what they are of instead."""


def pages() -> list[str]:
    """The name of every address that is a page to read."""
    return [name for name in names() if name not in NO_PAGES and not name.startswith("api-v1:")]


@pytest.fixture
def there(tmp_path, settings):
    """A row of each kind, two versions of a rubric, a run open for the votes of anybody, and a benchmark nobody judged."""
    settings.MEDIA_ROOT = tmp_path
    cache.clear()
    found = every_page.rows(tmp_path)
    found["open_run"] = make.run(found["benchmark"], name="open", status="open", voting={"open_to": "guests"})
    found["unjudged"] = make.benchmark("cellar")
    found["unjudged_question"] = make.question(found["unjudged"])
    case = bad_cases.mark(
        found["question"], text="It names a book that is not there.", by=found["lead"], cause="made_up"
    )
    criterion = bad_cases.Criterion(
        "dimensions", {"key": "sources", "weight": 1, "name_en": "Sources", "name_zh": "来源"}
    )
    rubric = Rubric.objects.get(pk=found["rubric"].pk)
    found["next_rubric"] = bad_cases.take_up([case.pk], rubric, criterion, base=Base.of(rubric), by=found["lead"])
    assert BadCase.objects.filter(status="open").count() == 1
    return found


def where(name: str, there: dict) -> str:
    if name in OF_OTHERS:
        return reverse(name, args=[there[OF_OTHERS[name]].pk])
    known = {key: row.pk for key, row in there.items() if hasattr(row, "pk")}
    return address(name, there) + QUERIES.get(name, "").format(**known)


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_page_is_accessible_fits_and_keeps_to_its_policy(visit, there, theme, language):
    people = {"visitor": None, "annotator": there["annotator"], "lead": there["lead"]}
    windows = {who: visit(user, theme=theme, language=language) for who, user in people.items()}
    wrong = []
    for name in pages():
        window, path = windows[READERS.get(name, "lead")], where(name, there)
        wrong += window.faults(path)
        if window.page.url != window.origin + path:
            wrong.append(f"{path} leads to {window.page.url}")
    assert wrong == []
