"""Pages of rubrics: who sees which, the editor with its buttons and its texts, versions compared, two leads at once."""

from __future__ import annotations

import json

import pytest
import yaml
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from judging.items import Item
from judging.models import Rubric
from judging.prompts import render
from judging.rubric_diff import compare
from judging.rubric_form import Draft
from judging.rubric_preview import Wish, preview
from judging.rubric_rows import drawn
from judging.rubric_source import read
from tests.judging import recorded as make
from tests.judging.judges.test_rubrics import BY_CASE, COUNTED, SUPPORT, TEMPLATE
from tests.judging.test_rubric_editing import posted

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client):
    client.force_login(make.person("lena", "lead"))
    return client


def rubric(name: str = "support", data: dict | None = None, *, version: int = 1, used: bool = False) -> Rubric:
    made = Rubric.of_data(name, data or SUPPORT, version=version)
    made.save()
    if used:
        made.freeze()
    return Rubric.objects.get(pk=made.pk)


def used_rubric(name: str = "support", data: dict | None = None) -> Rubric:
    made = rubric(name, data)
    make.run(make.benchmark(), rubric=made)
    return made


def hidden(page) -> dict[str, str]:
    """What the editor's page holds of what it began from."""
    base = page.context["base"]
    return {"version": str(base.version), "mark": base.mark, "view": "form"} if base else {"view": "form"}


def form_of(page) -> dict[str, str]:
    """What the browser would send of the editor's page."""
    return posted(page.context["fields"]) | hidden(page)


# --- who sees what


def test_a_visitor_sees_the_rubrics_of_runs_that_are_done_and_no_others(client):
    shown, secret = used_rubric("shown"), rubric("secret")
    page = client.get(reverse("rubrics"))
    assert "shown" in page.text and "secret" not in page.text and "New rubric" not in page.text
    assert client.get(reverse("rubric", args=[shown.pk])).status_code == 200
    for name, args in (("rubric", [secret.pk]), ("rubric_export", [secret.pk, "yaml"])):
        assert client.get(reverse(name, args=args)).status_code == 404
    assert client.get(reverse("rubric_compare"), {"one": shown.pk, "other": secret.pk}).status_code == 404


@pytest.mark.parametrize("name", ["rubric_new", "rubric_edit", "rubric_preview"])
def test_only_leads_write_rubrics(name):
    address = reverse(name, args=[rubric().pk] if name == "rubric_edit" else [])
    annotator = Client()
    annotator.force_login(make.person("anna", "annotator"))
    for method in ("get", "post"):
        assert getattr(annotator, method)(address).status_code == 403
        assert getattr(Client(), method)(address).headers["Location"].startswith(reverse("login"))


def test_the_list_asks_the_database_as_often_for_many_rubrics_as_for_one(lead, django_assert_num_queries):
    used_rubric("first")
    lead.get(reverse("rubrics"))
    with CaptureQueriesContext(connection) as one:
        lead.get(reverse("rubrics"))
    for number in range(8):
        rubric(f"more {number}")
    with django_assert_num_queries(len(one)):
        assert "more 7" in lead.get(reverse("rubrics")).text


def test_a_rubric_is_shown_in_both_languages_with_its_runs_versions_and_prompt(lead):
    make.answered(make.benchmark("other"))
    first = used_rubric()
    second = rubric(version=2)
    page = lead.get(reverse("rubric", args=[first.pk]))
    for words in ("Facts", "事实", "没有错误", "first look", "Judge as somebody", "what differs between v2 and v1"):
        assert words in page.text
    assert f"{reverse('rubric_compare')}?one={first.pk}&amp;other={second.pk}" in page.text
    assert "brief" in page.context["preview"].messages[0].content
    chinese = lead.get(reverse("rubric", args=[first.pk]), {"language": "zh", "kind": "pair"})
    assert "请" in chinese.context["preview"].messages[0].content


BY_CATEGORY = {"variants": {"cooking": {"dimensions": SUPPORT["dimensions"]}}, "only_variants": True}


@pytest.mark.parametrize("data", [SUPPORT, COUNTED, {"template": TEMPLATE}, BY_CATEGORY])
def test_every_kind_of_rubric_has_a_page_and_an_editor(lead, data):
    made = rubric(data=data)
    make.answered(make.benchmark())
    assert lead.get(reverse("rubric", args=[made.pk])).status_code == 200
    page = lead.get(reverse("rubric_edit", args=[made.pk]))
    assert page.status_code == 200
    lead.post(reverse("rubric_edit", args=[made.pk]), form_of(page) | {"act": "save"})
    assert [one.text() for one in Rubric.objects.all()] == [made.text()]


# --- the prompt


def test_the_prompt_shown_is_the_one_that_a_judge_is_sent():
    question = make.answered(make.benchmark())[0]
    made = rubric()
    lead = make.person("lena", "lead")
    shown = preview(made.text(), Wish(str(question.pk), "pair", "en"), lead)
    battle = make.battle(question)
    assert shown.messages == render(Item(battle=battle).exhibit(), made.text(), language="en")
    assert not shown.made_up


def test_who_may_yet_vote_on_the_answers_is_shown_stand_ins():
    benchmark = make.benchmark()
    question = make.answered(benchmark)[0]
    make.run(benchmark, status="open")
    told = [
        preview(rubric(name).text(), Wish(str(question.pk), "pair"), make.person(name, name))
        for name in ("lead", "annotator")
    ]
    assert [one.made_up for one in told] == [False, True]
    assert "Six minutes." not in told[1].messages[1].content


def test_a_template_for_pairs_says_why_it_cannot_show_one_answer():
    make.answered(make.benchmark())
    shown = preview(rubric(data={"template": TEMPLATE}).text(), Wish(kind="single"), make.person("lena", "lead"))
    assert "no verdict on one answer" in shown.problem and not shown.messages


def test_the_live_preview_shows_what_the_form_holds(lead):
    make.answered(make.benchmark())
    made = rubric()
    post = form_of(lead.get(reverse("rubric_edit", args=[made.pk])))
    page = lead.post(reverse("rubric_preview"), post | {"dimensions[1].name_en": "Shortness itself", "language": "en"})
    assert "Shortness itself" in page.text
    assert "still wrong or empty" in lead.post(reverse("rubric_preview"), post | {"lowest": "x"}).text


# --- editing


def test_the_editor_tells_before_that_a_used_rubric_gets_a_next_version_and_makes_it(lead):
    first = used_rubric()
    address = reverse("rubric_edit", args=[first.pk])
    page = lead.get(address)
    assert "support v1 is used by 1 run: editing makes v2." in page.text
    saved = lead.post(address, form_of(page) | {"instructions_en": "Be brief.", "act": "save"})
    second = Rubric.objects.get(version=2)
    assert saved.headers["Location"] == reverse("rubric", args=[second.pk])
    assert second.instructions_en == "Be brief."
    assert Rubric.objects.get(pk=first.pk).as_data() == first.as_data()


def test_an_unused_rubric_is_saved_in_place(lead):
    made = rubric()
    address = reverse("rubric_edit", args=[made.pk])
    lead.post(address, form_of(lead.get(address)) | {"title_zh": "支持", "act": "save"})
    assert Rubric.objects.get().title_zh == "支持"


def test_bad_input_is_told_at_its_field_and_kept(lead):
    made = rubric()
    address = reverse("rubric_edit", args=[made.pk])
    page = lead.post(address, form_of(lead.get(address)) | {"dimensions[0].weight": "heavy", "act": "save"})
    assert page.status_code == 422
    assert page.context["fields"].part.dimensions.rows[0].fields[1].errors == ["is not a number"]
    assert 'value="heavy"' in page.text
    assert Rubric.objects.get().as_data() == made.as_data()


def test_a_problem_is_told_in_the_readers_language(lead):
    lead.cookies["django_language"] = "zh-hans"
    made = rubric()
    address = reverse("rubric_edit", args=[made.pk])
    page = lead.post(address, form_of(lead.get(address)) | {"dimensions[0].weight": "heavy", "act": "save"})
    assert page.status_code == 422 and "heavy" in page.text


def test_rows_come_and_go_by_plain_posts_and_by_fragments(lead):
    made = rubric()
    address = reverse("rubric_edit", args=[made.pk])
    post = form_of(lead.get(address))
    page = lead.post(address, post | {"act": "add:dimensions"})
    assert len(page.context["fields"].part.dimensions.rows) == 3 and "<html" in page.text
    assert 'name="dimensions[2].key"' in page.text and "autofocus" in page.text
    fragment = lead.post(address, post | {"act": "up:dimensions[1]"}, headers={"HX-Request": "true"})
    assert [row.title for row in fragment.context["fields"].part.dimensions.rows] == ["brief", "facts"]
    assert "<html" not in fragment.text
    assert "data-focus" in fragment.text and "autofocus" not in fragment.text
    assert Rubric.objects.get().as_data() == made.as_data()


def test_two_leads_editing_one_rubric_lose_nothing():
    first = used_rubric()
    leads = [Client(), Client()]
    for number, one in enumerate(leads):
        one.force_login(make.person(f"lead{number}", "lead"))
    address = reverse("rubric_edit", args=[first.pk])
    posts = [
        form_of(one.get(address)) | {"act": "save", "instructions_en": f"By lead {n}."} for n, one in enumerate(leads)
    ]
    assert leads[0].post(address, posts[0]).status_code == 302
    late = leads[1].post(address, posts[1])
    assert late.status_code == 409
    assert late.context["theirs"].version == 2 and "support v2" in late.text
    change = late.context["groups"][0].changes[0]
    assert ["".join(piece.text for piece in side) for side in (change.old, change.new)] == ["By lead 0.", "By lead 1."]
    assert "By lead 1." in late.text
    assert Rubric.objects.filter(name="support").count() == 2
    decided = leads[1].post(address, form_of(late) | {"act": "save", "as_next": "1"})
    assert decided.status_code == 302 and 'name="as_next"' in late.text
    versions = Rubric.objects.filter(name="support", version__gt=1).order_by("version")
    assert [one.instructions_en for one in versions] == ["By lead 0.", "By lead 1."]


def test_a_lead_who_begins_with_an_old_version_is_told_and_adds_to_the_newest(lead):
    first = used_rubric()
    rubric(version=2, data={**SUPPORT, "instructions_en": "Second."}, used=True)
    address = reverse("rubric_edit", args=[first.pk])
    page = lead.get(address)
    assert "the newest is support v2" in page.text
    lead.post(address, form_of(page) | {"act": "save"})
    assert Rubric.objects.get(version=3).text() == first.text()


# --- new ones, and texts


def test_a_new_rubric_is_written_in_the_form(lead):
    page = lead.get(reverse("rubric_new"), {"preset": "single"})
    saved = lead.post(reverse("rubric_new"), form_of(page) | {"name": "mine", "act": "save"})
    assert saved.headers["Location"] == reverse("rubric", args=[Rubric.objects.get().pk])
    assert [row["key"] for row in Rubric.objects.get(name="mine").dimensions][0] == "correctness"


def test_a_new_rubric_may_begin_with_another_one(lead):
    page = lead.get(reverse("rubric_new"), {"from": rubric(data=COUNTED).pk})
    lead.post(reverse("rubric_new"), form_of(page) | {"name": "mine", "act": "save"})
    assert Rubric.objects.get(name="mine").text().points == rubric("again", COUNTED).text().points


@pytest.mark.parametrize("name", ["", "support"])
def test_a_new_rubric_needs_a_name_of_its_own(lead, name):
    rubric()
    page = lead.post(reverse("rubric_new"), form_of(lead.get(reverse("rubric_new"))) | {"name": name, "act": "save"})
    assert page.status_code == 422 and Rubric.objects.count() == 1
    assert ("There is a rubric of this name already" in page.text) == bool(name)


@pytest.mark.parametrize("how", ["yaml", "json"])
def test_what_is_exported_can_be_pasted(lead, how):
    made = rubric(data={**SUPPORT, "variants": {"math": {"instructions_en": "The result decides."}}})
    file = lead.get(reverse("rubric_export", args=[made.pk, how]))
    assert file.headers["Content-Disposition"] == f'attachment; filename="rubric-support-v1.{how}"'
    said = json.loads(file.content) if how == "json" else yaml.safe_load(file.content)
    assert said == {"name": "support", **made.as_data()}
    post = {"view": how, "source": file.text, "name": "copy", "act": "save"}
    assert lead.post(reverse("rubric_new"), post).status_code == 302
    assert Rubric.objects.get(name="copy").as_data() == made.as_data()


def test_the_form_becomes_text_and_the_text_the_form_again(lead):
    made = rubric()
    address = reverse("rubric_edit", args=[made.pk])
    post = form_of(lead.get(address))
    text = lead.post(address, post | {"act": "as:yaml"})
    assert read(text.context["source"]).data == made.as_data()
    back = lead.post(address, hidden(text) | {"view": "yaml", "source": text.context["source"], "act": "as:form"})
    assert posted(back.context["fields"]) == posted(drawn(Draft.of_data(made.as_data())))


def test_a_text_that_cannot_be_read_is_kept_and_told_by_its_line(lead):
    post = {"view": "yaml", "source": "lowest: 1\nhighest: 5\nweights: 3\n", "name": "mine", "act": "save"}
    page = lead.post(reverse("rubric_new"), post)
    assert page.status_code == 422 and "Line 3" in page.text and "weights: 3" in page.text
    assert not Rubric.objects.exists()


def test_what_somebody_writes_into_a_rubric_is_text_on_every_page(lead):
    evil = "<script>alert(1)</script>"
    made = rubric(data={**SUPPORT, "instructions_en": evil, "variants": {evil: {"instructions_en": evil}}})
    rubric(version=2, data=SUPPORT)
    make.answered(make.benchmark())
    for address in (
        reverse("rubric", args=[made.pk]),
        reverse("rubric_edit", args=[made.pk]),
        f"{reverse('rubric_compare')}?one={made.pk}",
    ):
        page = lead.get(address)
        assert page.status_code == 200 and evil not in page.text and "&lt;script&gt;" in page.text


# --- what differs


def test_what_differs_is_told_by_dimension_and_word_by_word(lead):
    one = rubric()
    changed = {**SUPPORT, "highest": 7, "instructions_en": "Judge as somebody who must act on it."}
    changed["dimensions"] = [{"key": "brief", "weight": 3, "name_zh": "简短"}, {"key": "kind", "weight": 1}]
    other = rubric(version=2, data=changed)
    groups = {group.title: group for group in compare(one.as_data(), other.as_data())}
    assert {title: group.kind for title, group in groups.items()} == {
        "The whole": "changed",
        "Dimension facts": "removed",
        "Dimension brief": "changed",
        "Dimension kind": "added",
    }
    words = groups["The whole"].changes[-1]
    assert "".join(piece.text for piece in words.old if piece.kind == "removed").split() == ["has", "to"]
    page = lead.get(reverse("rubric_compare"), {"one": one.pk, "other": other.pk})
    assert "<ins>must</ins>" in page.text and "简短" in page.text


def test_equal_rubrics_do_not_differ_and_moved_dimensions_do():
    assert compare(SUPPORT, SUPPORT) == []
    moved = {**SUPPORT, "dimensions": SUPPORT["dimensions"][::-1]}
    assert [group.changes[0].label for group in compare(SUPPORT, moved)] == ["Order"]
    variants = compare(SUPPORT, {**SUPPORT, "variants": {"math": {}}})
    assert [(group.title, group.kind) for group in variants] == [("Variant for math", "added")]


def test_an_id_that_no_database_could_hold_is_a_404(lead):
    assert lead.get(reverse("rubric_compare"), {"one": "9" * 30}).status_code == 404
    assert lead.get(reverse("rubric_new"), {"from": "x"}).status_code == 404


def test_editing_an_old_version_never_takes_the_place_of_a_newer_one(lead):
    first = used_rubric()
    newer = rubric(version=2, data={**SUPPORT, "instructions_en": "Second, and not used yet."})
    address = reverse("rubric_edit", args=[first.pk])
    page = lead.get(address)
    assert page.context["as_next"] and 'name="as_next"' in page.text
    lead.post(address, form_of(page) | {"as_next": "1", "act": "save"})
    assert Rubric.objects.get(pk=newer.pk).instructions_en == "Second, and not used yet."
    assert Rubric.objects.get(name="support", version=3).text() == first.text()


# --- a prompt for each case


def test_cases_are_added_filled_in_and_saved_in_the_editor(lead):
    begun = {"view": "form", "name": "four", "lowest": "1", "highest": "10"}
    page = lead.post(reverse("rubric_new"), begun | {"act": "add:template.cases"})
    assert "with or without a reference" in page.text and '<option value="multi">several</option>' in page.text
    fields = {f"template.cases[0].{name}": value for name, value in BY_CASE["template"]["cases"][1].items()}
    assert lead.post(reverse("rubric_new"), form_of(page) | fields | {"name": "four", "act": "save"}).status_code == 302
    made = Rubric.objects.get(name="four")
    assert made.template == {"cases": [BY_CASE["template"]["cases"][1]]}
    shown = lead.get(reverse("rubric", args=[made.pk])).text
    assert "with a reference · one turn or several" in shown and "{ref_answer_1} {question}" in shown


def test_a_prompt_beside_cases_is_told_at_its_field_and_what_was_entered_stays(lead):
    page = lead.get(reverse("rubric_edit", args=[rubric("four", BY_CASE).pk]))
    post = form_of(page) | {"template.prompt": "{answer_a} {answer_b}", "act": "save"}
    told = lead.post(page.wsgi_request.path, post)
    assert "stands beside cases: each of them says its own" in told.text and "{question_2} {answer_a}" in told.text
    assert Rubric.objects.get(name="four").template == BY_CASE["template"]


def test_the_preview_shows_the_prompt_for_the_question_and_says_where_there_is_none(lead):
    question = make.answered(make.benchmark(), "Ash", "Birch")[0]
    text = rubric("four", BY_CASE).text()
    (message,) = preview(text, Wish(), AnonymousUser()).messages
    assert message.content.startswith(question.turns[0])
    fewer = rubric("one", {"template": {"cases": BY_CASE["template"]["cases"][1:2]}}).text()
    assert "no template for a single turn without a reference" in preview(fewer, Wish(), AnonymousUser()).problem


def test_versions_are_compared_case_by_case():
    cases = BY_CASE["template"]["cases"]
    later = {"template": {"cases": [{**cases[0], "prompt": "Well: {answer_a} {answer_b}"}, cases[1]]}}
    told = {group.title: group.kind for group in compare(BY_CASE, later)}
    assert told == {
        "Published prompt · without one · a single one": "changed",
        "Published prompt · without one · several": "removed",
    }
