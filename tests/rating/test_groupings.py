"""Groupings: other kinds for the same categories, as rows of a form and as files."""

import json

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from arena.models import Category
from rating import groupings
from rating.models import Grouping
from tests.rating import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client, django_user_model):
    user = django_user_model.objects.create_user("lena")
    user.groups.add(Group.objects.get_or_create(name="lead")[0])
    client.force_login(user)
    return client


KINDS = [
    {"key": "hard", "name_en": "Hard", "name_zh": "难", "of": ["maths", "code"]},
    {"key": "soft", "name_en": "Soft", "name_zh": "易", "of": ["writing"]},
]


def grouping(name: str = "effort", kinds=KINDS) -> Grouping:
    found = Grouping.objects.create(name=name, title_en="Effort", title_zh="难度", kinds=kinds)
    groupings.refresh(found)
    return found


def post(kinds, sorting=None, **fields) -> dict:
    """What the form sends: kinds as (key, English name), and for categories the number of their kind."""
    data = {"name": "effort", "title_en": "Effort", "kinds-TOTAL_FORMS": str(len(kinds)), "kinds-INITIAL_FORMS": "0"}
    for place, (key, name) in enumerate(kinds):
        data |= {f"kinds-{place}-key": key, f"kinds-{place}-name_en": name}
    keys = dict(Category.objects.values_list("key", "pk"))
    return data | {f"of-{keys[key]}": str(number) for key, number in (sorting or {}).items()} | fields


def test_a_lead_sorts_categories_into_kinds_which_become_categories_of_boards(lead):
    make.categories()
    data = post([("hard", "Hard"), ("soft", "Soft"), ("", "")], {"maths": 1, "code": 1, "writing": 2})
    assert lead.post(reverse("grouping_new"), data).status_code == 302
    found = Grouping.objects.get()
    assert [(kind["key"], kind["of"]) for kind in found.kinds] == [("hard", ["maths", "code"]), ("soft", ["writing"])]
    places = groupings.places(found)
    assert {Category.objects.get(pk=pk).key: kind.key for pk, kind in places.items()} == {
        "maths": "effort:hard", "code": "effort:hard", "writing": "effort:soft",
    }  # fmt: skip
    assert Category.objects.get(key="effort:hard").name_en == "Hard"


def test_kinds_are_no_ordinary_categories(lead):
    make.categories()
    grouping()
    assert not groupings.ordinary().filter(key__contains=":").exists()
    assert "effort:hard" not in lead.get(reverse("grouping_new")).text


def test_a_category_of_questions_with_a_colon_of_its_own_stays_an_ordinary_one(lead):
    benchmark = make.benchmark()
    found = Category.objects.create(key="sports:ball")
    benchmark.questions.create(category=found, key="q1", turns=["Who won?"])
    grouping(kinds=[])
    assert found in groupings.ordinary()
    response = lead.post(reverse("grouping_new"), post([("hard", "")], {"sports:ball": 1}, name="sports"))
    assert response.status_code == 422 and "begins with this name and a colon" in response.text


def test_a_group_without_questions_is_nothing_to_sort():
    make.categories()
    assert not groupings.ordinary().filter(key__in=["language", "reasoning"]).exists()


def test_categories_in_no_kind_are_said(lead):
    make.categories()
    grouping()
    assert "chat" in lead.get(reverse("groupings")).text.split("<tbody>")[1]


@pytest.mark.parametrize(
    ("kinds", "sorting", "words"),
    [
        ([("Hard!", "")], {}, "Use small letters"),
        ([("hard", ""), ("hard", "")], {}, "Another kind has this key."),
        ([("", "Hard")], {}, "A kind with a name needs a key."),
        ([("hard", ""), ("", "")], {"maths": 2}, "it has no key"),
        ([("", "")], {}, "Give one kind at least."),
    ],
)
def test_what_is_no_kind_is_said_and_kept_in_the_form(lead, kinds, sorting, words):
    make.categories()
    response = lead.post(reverse("grouping_new"), post(kinds, sorting))
    assert response.status_code == 422 and words in response.text and not Grouping.objects.exists()
    assert all(f'value="{key}"' in response.text for key, _name in kinds if key)


def test_a_name_and_a_key_fit_a_category_together(lead):
    make.categories()
    response = lead.post(reverse("grouping_new"), post([("k" * 50, "")], name="n" * 60))
    assert response.status_code == 422 and "too long together" in response.text


def test_a_kind_that_is_gone_goes_unless_a_snapshot_has_a_board_of_it():
    make.categories()
    found = grouping()
    snapshot = make.snapshot()
    make.ranking(snapshot, make.models(1), category=Category.objects.get(key="effort:hard"))
    found.kinds = [{"key": "all", "name_en": "", "name_zh": "", "of": ["maths"]}]
    groupings.refresh(found)
    assert set(Category.objects.filter(key__contains=":").values_list("key", flat=True)) == {
        "effort:hard",
        "effort:all",
    }


def test_of_two_leads_the_second_hears_what_the_first_one_wrote(lead):
    make.categories()
    found = grouping()
    address = reverse("grouping_edit", args=[found.pk])
    mark = lead.get(address).context["form"]["mark"].value()
    Grouping.objects.update(kinds=KINDS[:1])
    response = lead.post(address, post([("mine", "Mine")], {"chat": 1}, mark=mark))
    assert response.status_code == 422
    assert "hard (maths, code)" in response.text and "mine (chat)" in response.text
    assert Grouping.objects.get().kinds == KINDS[:1]


def test_the_name_stays_because_boards_and_addresses_know_it(lead):
    make.categories()
    found = grouping()
    address = reverse("grouping_edit", args=[found.pk])
    mark = lead.get(address).context["form"]["mark"].value()
    lead.post(address, post([("mine", "")], {"chat": 1}, name="other", mark=mark))
    assert [one.name for one in Grouping.objects.all()] == ["effort"]


def test_another_row_keeps_what_is_written_and_saves_nothing(lead):
    make.categories()
    response = lead.post(reverse("grouping_new"), post([("hard", "Hard")], {"maths": 1}, more="1"))
    assert response.status_code == 200 and not Grouping.objects.exists()
    assert 'name="kinds-2-key"' in response.text and "1: Hard" in response.text and "errorlist" not in response.text


def load(lead, text: str | bytes, name: str = "effort"):
    content = text.encode() if isinstance(text, str) else text
    return lead.post(reverse("grouping_import"), {"name": name, "file": SimpleUploadedFile("kinds.csv", content)})


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_a_grouping_that_is_saved_as_a_file_can_be_loaded_again(lead, format_):
    make.categories()
    found = grouping()
    file = lead.get(reverse("grouping_export", args=[found.pk, format_]))
    assert f'filename="effort.{format_}"' in file["Content-Disposition"]
    assert load(lead, file.content, name="again").status_code == 302
    assert Grouping.objects.get(name="again").kinds == KINDS
    assert Category.objects.filter(key="again:hard").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind,category\nhard,nowhere\n", "kinds.csv, line 2, category: there is no category nowhere"),
        ("kind,category\nhard,maths\nsoft,maths\n", "kinds.csv, line 3, category: maths is in the file more than once"),
        ("kind,category\nHARD,maths\n", "kinds.csv, line 2, kind: HARD: Use small letters"),
        ("kind\nhard\n", "kinds.csv, line 1, category: the column is missing"),
        ("{", "kinds.csv, line 1, JSON"),
        (json.dumps({"kinds": [{"key": "a"}]}), "kinds[0]: has no key, or no list of categories"),
        ("[" * 100_000, "nested too deeply"),
        (b"kind,category\n\xff\n", "line 2, file: is not UTF-8"),
        ("kind,category\n", "there is none in the file"),
    ],
)
def test_a_bad_file_is_told_by_line_and_field_and_nothing_is_loaded(lead, text, words):
    make.categories()
    response = load(lead, text)
    assert response.status_code == 422 and words in response.text.replace("&#x27;", "'")
    assert not Grouping.objects.exists() and not Category.objects.filter(key__contains=":").exists()


def test_a_text_that_a_spreadsheet_would_run_is_written_as_text(lead):
    make.categories()
    found = grouping(kinds=[{"key": "hard", "name_en": "=1+1", "name_zh": "", "of": []}])
    assert "'=1+1" in lead.get(reverse("grouping_export", args=[found.pk, "csv"])).text


def test_the_list_costs_the_same_for_many(lead):
    make.categories()
    grouping()
    with CaptureQueriesContext(connection) as few:
        lead.get(reverse("groupings"))
    for number in range(10):
        Grouping.objects.create(name=f"g{number}", kinds=KINDS)
    with CaptureQueriesContext(connection) as many:
        lead.get(reverse("groupings"))
    assert len(few) == len(many) < 10


def test_groupings_are_for_leads(client, django_user_model):
    make.categories()
    found = grouping()
    addresses = [reverse("groupings"), reverse("grouping_new"), reverse("grouping_edit", args=[found.pk]),
                 reverse("grouping_export", args=[found.pk, "csv"])]  # fmt: skip
    client.force_login(django_user_model.objects.create_user("ann"))
    assert [client.get(one).status_code for one in addresses] == [403] * 4
    assert client.post(reverse("grouping_import"), {}).status_code == 403
