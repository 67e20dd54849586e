"""Categories in the browser: two levels, their order, and keys that stay once they are used."""

from __future__ import annotations

import pytest
from django.urls import reverse

from arena.models import Category
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client):
    client.force_login(make.person("lee", "lead"))
    return client


@pytest.fixture
def grown():
    """A group of two and a category that stands alone."""
    group = make.category("language", position=5)
    make.category("chat", position=6, group=group)
    make.category("prose", position=7, group=group)
    make.category("sums", position=1)
    return {row.key: row for row in Category.objects.all()}


def order(client) -> list:
    branches = client.get(reverse("categories")).context["branches"]
    return [(one.category.key, [member.key for member in one.members]) for one in branches]


def post(client, category, **fields):
    url = reverse("category_edit", args=[category.pk])
    form = client.get(url).context["form"]
    told = {name: form[name].value() for name in form.fields}
    return client.post(url, {name: value for name, value in {**told, **fields}.items() if value is not None})


def test_the_list_has_two_levels_and_a_group_counts_its_members(client, grown):
    benchmark = make.benchmark()
    make.question(benchmark, "a", category=grown["chat"])
    make.question(benchmark, "b", category=grown["chat"])
    make.question(benchmark, "c", category=grown["language"])
    assert order(client) == [("sums", []), ("language", ["chat", "prose"])]
    found = client.get(reverse("categories")).context["branches"][1]
    assert found.questions == 3 and [member.question_count for member in found.members] == [2, 0]


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_takes_the_same_queries_for_one_category_and_for_thirty(client, django_assert_num_queries, count):
    for n in range(count):
        make.category(f"c{n}")
    with django_assert_num_queries(1):
        client.get(reverse("categories"))


def test_a_member_of_a_member_which_files_may_make_is_not_lost(client, grown):
    make.category("deep", group=grown["chat"])
    assert ("deep", []) in order(client)


def test_a_category_is_added_to_a_group(lead, grown):
    fields = {"key": "poems", "name_en": "Poems", "name_zh": "诗", "group": grown["language"].pk, "position": 8}
    lead.post(reverse("category_new"), fields)
    assert order(lead)[1] == ("language", ["chat", "prose", "poems"])
    assert lead.get(reverse("category_new"), {"group": "language"}).context["form"]["group"].value()


def test_the_key_of_a_used_category_stays(lead, grown):
    make.question(make.benchmark(), "a", category=grown["chat"])
    post(lead, grown["chat"], key="gossip", name_en="Gossip")
    post(lead, grown["prose"], key="essays")
    assert set(Category.objects.values_list("key", "name_en")) >= {("chat", "Gossip"), ("essays", "Prose")}


@pytest.mark.parametrize(("key", "words"), [("chat", "already exists"), ("../x", "Letters, digits"), ("", "required")])
def test_a_key_that_is_taken_or_none_is_refused(lead, grown, key, words):
    page = lead.post(reverse("category_new"), {"key": key, "position": 1})
    assert page.status_code == 422 and words in page.text


def test_there_are_two_levels_and_no_circles(lead, grown):
    under_itself = post(lead, grown["language"], group=grown["language"].pk)
    under_a_member = post(lead, grown["sums"], group=grown["chat"].pk)
    group_under_another = post(lead, grown["language"], group=grown["sums"].pk)
    assert [page.status_code for page in (under_itself, under_a_member, group_under_another)] == [422] * 3
    assert "two levels only" in group_under_another.text
    assert order(lead) == [("sums", []), ("language", ["chat", "prose"])]


def test_moving_swaps_neighbours_and_numbers_all_through(lead, grown):
    lead.post(reverse("category_move", args=[grown["prose"].pk]), {"to": "up"})
    lead.post(reverse("category_move", args=[grown["sums"].pk]), {"to": "down"})
    assert order(lead) == [("language", ["prose", "chat"]), ("sums", [])]
    assert [row.key for row in Category.objects.all()] == ["language", "prose", "chat", "sums"]
    lead.post(reverse("category_move", args=[grown["sums"].pk]), {"to": "down"})
    assert order(lead)[-1] == ("sums", [])


def test_of_two_leads_the_second_is_shown_what_the_first_one_saved(lead, grown):
    url = reverse("category_edit", args=[grown["chat"].pk])
    mark = lead.get(url).context["form"]["mark"].value()
    post(lead, grown["chat"], name_en="Small talk")
    page = lead.post(url, {"key": "chat", "name_en": "Chit-chat", "position": 6, "mark": mark})
    assert page.status_code == 422 and "Small talk" in page.text
    assert Category.objects.get(key="chat").name_en == "Small talk"


def test_only_a_category_that_nothing_hangs_on_is_deleted(lead, grown):
    lead.post(reverse("category_delete", args=[grown["language"].pk]))
    lead.post(reverse("category_delete", args=[grown["sums"].pk]))
    assert set(Category.objects.values_list("key", flat=True)) == {"language", "chat", "prose"}


def test_only_leads_change_categories(client, grown):
    pk = grown["chat"].pk
    paths = [reverse("category_new"), *(reverse(f"category_{act}", args=[pk]) for act in ("edit", "move", "delete"))]
    assert all(client.post(path, {"key": "x"}).status_code == 302 for path in paths)
    client.force_login(make.person("ann", "annotator"))
    assert all(client.post(path, {"key": "x"}).status_code == 403 for path in paths)
    assert Category.objects.count() == 4
