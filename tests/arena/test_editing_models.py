"""Models in the browser: the public list, the lead's form, trying the connection, and never a key."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from arena.models import LanguageModel
from tests.judging import recorded as make
from tests.openai_server import serve

pytestmark = pytest.mark.django_db
ENOUGH = {"name": "Finch", "version": "2", "vendor": "Northmoor"}


@pytest.fixture
def lead(client):
    client.force_login(make.person("lee", "lead"))
    return client


@pytest.fixture(scope="module")
def server():
    with serve() as running:
        yield running


def edit(client, model, **fields):
    """Post the form of a model as the browser would: all fields as they stand, but for these."""
    url = reverse("model_edit", args=[model.pk])
    form = client.get(url).context["form"]
    told = {name: form[name].value() for name in form.fields}
    told = {name: ("" if value is None else value) for name, value in told.items() if value is not False}
    return client.post(url, {**told, **fields})


def errors(response) -> dict:
    return {name: list(found) for name, found in response.context["form"].errors.items()}


# --- the list


def test_everybody_reads_the_list_and_leads_alone_may_change_it(client, lead):
    make.answered(make.benchmark(), "Ash", "Birch", questions=2)
    page = lead.get(reverse("models"))
    assert [(model.name, model.answer_count) for model in page.context["page"]] == [("Ash", 2), ("Birch", 2)]
    assert reverse("model_new") in page.text
    lead.logout()
    page = client.get(reverse("models"))
    assert "Ash" in page.text and reverse("model_new") not in page.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Ash", "Birch", "Cedar"]),
        ({"vendor": "Own"}, ["Cedar"]),
        ({"family": "tree"}, ["Ash"]),
        ({"stage": "sft"}, ["Birch"]),
        ({"text": "ced own"}, ["Cedar"]),
        ({"text": "中文"}, ["Ash"]),
        ({"vendor": "nobody", "page": "x"}, []),
    ],
)
def test_filters_are_in_the_address(client, query, names):
    make.model("Ash", family="tree", description_zh="中文模型")
    make.model("Birch", stage="sft")
    make.model("Cedar", vendor="Own")
    assert [model.name for model in client.get(reverse("models"), query).context["page"]] == names


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_takes_the_same_queries_for_one_model_and_for_thirty(client, django_assert_num_queries, count):
    for n in range(count):
        make.model(f"M{n}")
    with django_assert_num_queries(5):
        client.get(reverse("models"))


def test_an_empty_site_tells_a_lead_to_upload_and_a_visitor_who_will(client, lead):
    assert reverse("upload_new") in lead.get(reverse("models")).text
    lead.logout()
    page = client.get(reverse("models")).text
    assert "No models yet" in page and reverse("upload_new") not in page


# --- the form


def test_name_version_and_vendor_are_enough(lead):
    page = lead.post(reverse("model_new"), ENOUGH)
    model = LanguageModel.objects.get()
    assert page.url == reverse("model_edit", args=[model.pk])
    assert (model.options, model.limits, model.aliases, model.price_in) == ({}, {}, [], None)


@pytest.mark.parametrize("missing", ["name", "version", "vendor"])
def test_each_of_them_is_mandatory_and_the_input_is_kept(lead, missing):
    page = lead.post(reverse("model_new"), {**ENOUGH, missing: "  ", "licence": "MIT"})
    assert page.status_code == 422 and list(errors(page)) == [missing] and 'value="MIT"' in page.text
    assert not LanguageModel.objects.exists()


def test_all_that_is_entered_is_kept(lead):
    told = {
        **ENOUGH,
        "provider": "openai",
        "base_url": "http://localhost:8000/v1",
        "endpoint_model": "finch-2",
        "key_env": "FINCH_KEY",
        "options": '{"temperature": 0, "extra_body": {"own": 1}}',
        "limits": '{"rpm": 60}',
        "aliases": "Finchy\n\n 雀 \nFinchy",
        "price_in": "0.5",
        "price_out": "1.5",
    }
    lead.post(reverse("model_new"), told)
    model = LanguageModel.objects.get()
    assert model.options == {"temperature": 0, "extra_body": {"own": 1}} and model.limits == {"rpm": 60}
    assert model.aliases == ["Finchy", "雀"] and (model.price_in, model.price_out) == (0.5, 1.5)
    assert edit(lead, model).status_code == 302  # what the form shows is what it takes


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("key_env", "sk-abcdefghijklmnop", "name of an environment variable"),
        ("key_env", "JURYROOM_SECRET", "the site's own"),
        ("key_env", "DATABASE_URL", "the site's own"),
        ("base_url", "http://me:secret@host/v1", "password or a key"),
        ("base_url", "localhost:8000", "A web address is meant"),
        ("base_url", "http://[", "A web address is meant"),
        ("base_url", "file:///etc/passwd", "A web address is meant"),
        ("options", "{", "This is not JSON"),
        ("options", "[1]", "An object is meant"),
        ("options", '{"api_key": "x"}', "looks like a key"),
        ("options", '{"temprature": 0}', "“temperature” is meant"),
        ("options", '{"messages": []}', "set by the call itself"),
        ("options", '{"temperature": NaN}', "too deep, or not a number"),
        ("options", '{"a": "\\u0000"}', "no database keeps"),
        ("options", "[" * 5000, "too deep"),
        ("options", '{"timeout": -1}', "seconds above 0"),
        ("limits", '{"rps": 1}', "there is no limit"),
        ("limits", '{"rpm": "many"}', "rpm"),
        ("price_in", "-1", "greater than or equal to 0"),
        ("price_out", "nan", "Enter a number"),
        ("aliases", "x" * 200, "longer than"),
        ("name", "x" * 200, "at most 120 characters"),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_field_and_kept_as_typed(lead, field, value, words):
    page = lead.post(reverse("model_new"), {**ENOUGH, "provider": "openai", field: value})
    assert page.status_code == 422 and list(errors(page)) == [field]
    assert words in errors(page)[field][0]
    assert page.context["form"][field].value() == value
    assert not LanguageModel.objects.exists()


def test_two_models_of_one_name_and_version_are_refused(lead):
    make.model("Finch")
    page = lead.post(reverse("model_new"), {**ENOUGH, "version": "1"})
    assert "already exists" in errors(page)["__all__"][0]


def test_a_new_version_copies_all_but_the_version(lead):
    model = make.model("Finch", licence="MIT", options={"seed": 1}, provider="openai", aliases=["F"])
    form = lead.get(reverse("model_new"), {"from": model.pk}).context["form"]
    assert form["version"].value() == "" and form["licence"].value() == "MIT"
    assert json.loads(form["options"].value()) == {"seed": 1} and form["aliases"].value() == "F"


def test_a_form_says_whether_its_key_is_set_here_and_never_the_key(lead, monkeypatch):
    model = make.model("Finch", key_env="FINCH_KEY", provider="openai")
    page = lead.get(reverse("model_edit", args=[model.pk])).text
    assert "is not set here" in page
    monkeypatch.setenv("FINCH_KEY", "very-secret-indeed")
    page = lead.get(reverse("model_edit", args=[model.pk])).text
    assert "is set here" in page and "very-secret" not in page


def test_asking_another_way_after_answers_were_given_wants_a_second_word(lead):
    make.answered(make.benchmark(), "Ash", "Birch")
    model = LanguageModel.objects.get(name="Ash")
    page = edit(lead, model, endpoint_model="another")
    assert page.status_code == 422 and "make a new version instead" in page.text
    assert "On this model hang: 1 answer. With" in page.text
    model.refresh_from_db()
    assert model.endpoint_model == ""
    assert edit(lead, model, endpoint_model="another", sure="on").status_code == 302
    assert edit(lead, model, licence="MIT").status_code == 302  # what changes no answer needs no second word


def test_of_two_leads_the_second_is_shown_what_the_first_one_saved(lead):
    model = make.model("Finch")
    url = reverse("model_edit", args=[model.pk])
    mark = lead.get(url).context["form"]["mark"].value()
    edit(lead, model, licence="MIT")
    mine = {**ENOUGH, "version": "1", "licence": "Apache", "mark": mark}
    page = lead.post(url, mine)
    model.refresh_from_db()
    assert page.status_code == 422 and model.licence == "MIT"
    assert ("Licence", "MIT", "Apache") in page.context["form"].differences and "MIT" in page.text
    again = {**mine, "mark": page.context["form"]["mark"].value()}
    assert lead.post(url, again).status_code == 302
    model.refresh_from_db()
    assert model.licence == "Apache"


def test_only_a_model_that_nothing_hangs_on_is_deleted(lead):
    make.answered(make.benchmark(), "Ash", "Birch")
    used, unused = LanguageModel.objects.get(name="Ash"), make.model("Cedar")
    page = lead.post(reverse("model_delete", args=[used.pk]), follow=True)
    assert "because of what hangs on it: 1 answer." in page.text
    lead.post(reverse("model_delete", args=[unused.pk]))
    assert set(LanguageModel.objects.values_list("name", flat=True)) == {"Ash", "Birch"}


def test_only_leads_change_models(client):
    model = make.model("Finch")
    paths = [reverse("model_new"), *(reverse(f"model_{act}", args=[model.pk]) for act in ("edit", "check", "delete"))]
    assert all(client.post(path, ENOUGH).status_code == 302 for path in paths)
    client.force_login(make.person("ann", "annotator"))
    assert all(client.post(path, ENOUGH).status_code == 403 for path in paths)
    assert LanguageModel.objects.count() == 1


# --- the connection


def check(client, model) -> str:
    page = client.post(reverse("model_check", args=[model.pk]), follow=True)
    return " ".join(str(message) for message in page.context["messages"])


def test_a_connection_that_works_is_told_with_what_came(lead, server, monkeypatch):
    monkeypatch.setenv("FINCH_KEY", "very-secret-indeed")
    model = make.model("Finch", provider="openai", base_url=server.base_url, key_env="FINCH_KEY", limits={"rpm": 0.001})
    told = check(lead, model)
    assert told.startswith("It answered in") and "very-secret" not in told


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"provider": "openai", "key_env": "NO_SUCH_KEY"},
            "It did not answer: The environment variable NO_SUCH_KEY, which holds its key, is not set. Set it where the site",
        ),
        (
            {"provider": "openai", "base_url": "http://127.0.0.1:9/v1"},
            "It did not answer: Finch at 127.0.0.1:9: no connection",
        ),
        ({"provider": "scripted", "endpoint_model": "nothing"}, "unknown script"),
        ({"provider": "openai", "limits": {"rps": 1}}, "there is no limit"),
        ({"provider": "local"}, "not asked here"),
        ({"provider": ""}, "no endpoint"),
    ],
)
def test_a_connection_that_does_not_work_is_told_with_its_reason(lead, fields, words):
    assert words in check(lead, make.model("Finch", **fields))


def test_a_key_that_is_not_set_is_told_in_the_readers_language(lead):
    lead.cookies["django_language"] = "zh-hans"
    told = check(lead, make.model("Finch", provider="openai", key_env="NO_SUCH_KEY"))
    assert "存放其密钥的环境变量 NO_SUCH_KEY 没有设置" in told and "key_env" not in told
