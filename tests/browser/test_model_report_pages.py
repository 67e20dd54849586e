"""The model report and two versions beside each other, in a real Chromium: accessible, whole on a phone, on our own origin only."""

from __future__ import annotations

import pytest
from django.urls import reverse

from arena.models import LanguageModel
from rating.models import Profile, Score
from tests.browser.axe import violations
from tests.browser.visiting import LOOKS
from tests.judging import recorded
from tests.rating import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MMLU = (
    ("Humanities", 4692, 0.4111, 0.4411), ("STEM", 3000, 0.3807, 0.4407), ("Social", 3065, 0.5233, 0.6298), ("Other", 3228, 0.504, 0.5067)
)  # fmt: skip


def rows() -> tuple[LanguageModel, LanguageModel]:
    """A model of which everything is known, and its int8 version with the same questions answered and marked."""
    snapshot = make.board(4)
    model = LanguageModel.objects.get(name="M1")
    make.ranking(snapshot, [model], source="people", n=12)
    LanguageModel.objects.filter(pk=model.pk).update(
        family="Poplar", stage="rlhf", precision="bf16", price_in=0.5, price_out=1.5, description_en="A small model for kitchens.", description_zh="厨房用的小模型。"
    )  # fmt: skip
    other = LanguageModel.objects.create(
        name="M1", version="1-int8", vendor="Northmoor Labs", family="Poplar", precision="int8"
    )
    for category, n, value, target in MMLU:
        Score.objects.create(
            model=model, benchmark="MMLU", category=category, metric="accuracy", value=value, unit="share", n=n, target=target, source="evaluation of May"
        )  # fmt: skip
    Score.objects.create(
        model=model, kind="safety", benchmark="Harm", metric="unsafe answers", value=0.012, unit="share", n=500, target=0.02,
        lower_is_better=True, source="red team of May",
    )  # fmt: skip
    _answers(snapshot.leaderboard.benchmark, model, other)
    gates = [
        {"name": "MMLU at 40 %", "kind": "score", "benchmark": "MMLU", "metric": "accuracy", "op": ">=", "value": 0.4, "min_n": 1000},
        {"name": "Fast enough", "kind": "speed", "benchmark": "kitchen", "metric": "seconds_p95", "op": "<=", "value": 2},
        {"name": "Not below M2", "kind": "win_rate", "benchmark": "kitchen", "op": ">=", "value": 0.5, "against": "M2"},
    ]  # fmt: skip
    Profile.objects.create(name="release", gates=gates)
    return model, other


def _answers(benchmark, model, other) -> None:
    judge = recorded.judge("sums")
    for number in range(12):
        question = recorded.question(benchmark, f"q{number}", f"What is {number} + {number}?")
        for one, text in ((model, "same" if number < 8 else "new"), (other, "same" if number < 8 else "old")):
            answer = recorded.answer(question, one, text, seconds=1 + number / 4, first_token_s=0.2, tokens_out=80)
            answer.save()
            recorded.grade(answer, judge, score=10 if number < 9 or one == other else 4)


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_report_and_comparison_are_accessible_and_fit(visit, theme, language):
    model, other = rows()
    bare = LanguageModel.objects.create(name="Bare", version="0", vendor="Nobody")
    window = visit(theme=theme, language=language)
    paths = [
        reverse("model", args=[model.pk]) + "?profile=release&basis=avg",
        reverse("model", args=[bare.pk]),
        f"{reverse('model_compare', args=[model.pk])}?with={other.pk}",
    ]
    unreadable = f"{reverse('model_compare', args=[bare.pk])}?with={other.pk}&tolerance=much"
    assert window.faults(*paths) + window.faults(unreadable, status=422) == []


def test_basis_and_profile_are_chosen_without_scripts_and_stay_in_the_address(visit):
    model, _ = rows()
    window = visit(scripts=False)
    page = window.open(reverse("model", args=[model.pk]))
    page.get_by_role("link", name="each category once (avg)").click()
    assert "−4.98 points" in page.locator("#scores").inner_text()
    page.get_by_label("Profile whose gates apply").select_option("release")
    page.get_by_role("button", name="Show").click()
    assert "basis=avg" in page.url and "profile=release" in page.url
    assert page.locator("#gates .badge").first.inner_text() == "FAIL"
    page.get_by_role("link", name="weighted by questions (weighted_avg)").click()
    assert "profile=release" in page.url and "−4.69 points" in page.locator("#scores").inner_text()


def test_another_version_is_chosen_on_the_page_and_compared(visit):
    model, other = rows()
    page = visit().open(reverse("model", args=[other.pk]))
    page.get_by_role("link", name="Compare with another version").click()
    page.get_by_label("Compare with").select_option(str(model.pk))
    page.get_by_role("button", name="Compare").click()
    assert "8 of 12 answers have the same words" in page.locator("#same").inner_text()
    assert page.locator("#fixed tbody tr").count() == 3


def test_the_html_file_opens_from_a_disk_and_asks_nobody(visit, client, tmp_path):
    model, _ = rows()
    path = tmp_path / "report.html"
    path.write_bytes(client.get(reverse("model_export", args=[model.pk, "html"]), {"profile": "release"}).content)
    window = visit()
    window.page.goto(path.as_uri())
    assert violations(window.page) == []
    assert [url for url in window.elsewhere if not url.startswith("file:")] == [] and window.said == []
    assert window.page.locator("table").first.evaluate("table => getComputedStyle(table).borderCollapse") == "collapse"
