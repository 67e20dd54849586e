"""Pages of rubrics, judges and bad cases in a real Chromium: accessible, whole on a phone, quick with scripts and whole without."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from arena.models import Answer
from judging import bad_cases
from judging.editing_rubrics import Base
from judging.models import Rubric, Run
from tests.browser.visiting import LOOKS
from tests.judging import asked
from tests.judging import recorded as make
from tests.judging.judges.test_rubrics import COUNTED, SUPPORT, TEMPLATE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lead():
    return make.person("lena", "lead")


def rows() -> tuple[list[Rubric], Run, list]:
    """Rubrics of each kind, a judged run, and cases: open, dismissed, and taken up with a run to come."""
    benchmark = make.benchmark()
    make.answered(benchmark, questions=3)
    data = {**SUPPORT, "title_en": "Support", "title_zh": "支持", "instructions_zh": "请站在要照着做的人的立场评判。"}
    data["variants"] = {"cooking": {"dimensions": SUPPORT["dimensions"]}, "sums": {"template": TEMPLATE}}
    made = [
        Rubric.of_data(name, one)
        for name, one in (("support", data), ("counted", COUNTED), ("published", {"template": TEMPLATE}))
    ]
    for one in made:
        one.save()
    judges = [make.judge("dry", kind="dry_run", options={"seed": 3})]
    run = make.run(benchmark, judges=judges, rubric=made[0], mode="single")
    for answer in Answer.objects.select_related("question"):
        make.grade(
            answer,
            by=judges[0],
            rubric=made[0],
            run=run,
            score=3,
            scores={"facts": 4, "brief": 1},
            provenance="dry_run",
        )
    cases = [
        bad_cases.mark(question, text=f"Names a source that is not there, case {n}.", by=None, cause="made_up", run=run)
        for n, question in enumerate(benchmark.questions.all())
    ]
    bad_cases.dismiss([cases[0].pk], reason="It is there.", by=None)
    newest = Rubric.objects.get(pk=made[0].pk)
    criterion = bad_cases.Criterion(
        "dimensions", {"key": "sources", "weight": 1, "name_en": "Sources", "name_zh": "来源"}
    )
    made.append(bad_cases.take_up([cases[1].pk], newest, criterion, base=Base.of(newest), by=None))
    return made, run, cases


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_every_page_is_accessible_and_fits(visit, lead, theme, language):
    rubrics, _run, cases = rows()
    mind = make.llm_judge("mind", key_env="MIND_KEY")
    board = asked.panel("board", mind, make.judge("rules"))
    take_up = f"{reverse('bad_case_take_up')}?case={cases[2].pk}"
    paths = [
        reverse("rubrics"), *(reverse("rubric", args=[one.pk]) for one in rubrics[:2]),
        *(reverse("rubric_edit", args=[one.pk]) for one in rubrics[:2]), reverse("rubric_new") + "?as=yaml",
        f"{reverse('rubric_compare')}?one={rubrics[0].pk}&other={rubrics[3].pk}",
        reverse("judges"), reverse("judge_edit", args=[mind.pk]), reverse("judge_edit", args=[board.pk]),
        reverse("bad_cases") + "?status=all", *(reverse("bad_case", args=[one.pk]) for one in cases), take_up,
        f"{reverse('bad_case_again')}?rubric={rubrics[3].pk}",
    ]  # fmt: skip
    window = visit(lead, theme=theme, language=language)
    wrong = window.faults(*paths)
    window.open(reverse("rubric_edit", args=[rubrics[0].pk])).locator("button[value^='open:']").first.click()
    window.page.locator("button[value^='close:']").wait_for()
    assert wrong + window.faults() == []


def test_rows_are_added_and_moved_in_place_and_the_prompt_keeps_up(visit, lead):
    rubrics, _run, _cases = rows()
    window = visit(lead)
    page = window.open(reverse("rubric_edit", args=[rubrics[3].pk]))
    page.evaluate("window.here = true")
    page.get_by_role("button", name="Add a dimension").first.click()
    expect(page.locator('[name="dimensions[3].key"]')).to_be_focused()
    page.keyboard.type("tone")
    page.locator('[name="dimensions[3].name_en"]').fill("Tone of voice")
    page.locator("#wish-question").wait_for()
    expect(page.locator("#rubric-preview")).to_be_visible()
    page.locator('[name="instructions_en"]').first.fill("Judge as a cook would.")
    expect(page.locator("#rubric-preview")).to_contain_text("Judge as a cook would.")
    page.get_by_role("button", name="Up · Dimension 4").first.click()
    expect(page.locator('[name="dimensions[2].key"]')).to_have_value("tone")
    assert page.evaluate("window.here"), "the page was loaded anew"
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/rubrics/*/")
    newest = Rubric.objects.filter(name="support").latest("version")
    assert [row["key"] for row in newest.dimensions] == ["facts", "brief", "tone", "sources"]
    assert newest.instructions_en == "Judge as a cook would." and window.said == []


def test_a_rubric_is_written_without_scripts(visit, lead):
    window = visit(lead, scripts=False)
    page = window.open(reverse("rubric_new"))
    page.locator("#rubric-name").fill("by hand")
    page.get_by_role("button", name="Add a dimension").first.click()
    page.locator('[name="dimensions[0].key"]').fill("facts")
    page.locator('[name="dimensions[0].key"]').press("Enter")
    assert page.locator('[name="dimensions[0].key"]').input_value() == "facts", "Enter takes nothing away"
    page.get_by_role("button", name="YAML").click()
    assert "key: facts" in page.locator("#rubric-source").input_value()
    page.get_by_role("button", name="Form").click()
    page.get_by_role("button", name="Save", exact=True).click()
    assert Rubric.objects.get().dimensions == [{"key": "facts", "weight": 1}]


def test_a_judges_connection_is_checked_in_place(visit, lead):
    with asked.saying("ready") as server:
        judge = asked.oracle(server)
        page = visit(lead).open(reverse("judge_edit", args=[judge.pk]))
        page.get_by_role("button", name="Check the connection").click()
        expect(page.locator("#heard")).to_contain_text("ready")
