"""The guides say what there is: links, pictures, addresses, commands, settings and buttons; alike in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve, reverse
from PIL import Image

from arena import guides

ROOT = Path(settings.BASE_DIR)
FILES = {f"{role}.{tail}": guides.guide_path(role, code) for role in guides.ROLES for tail, code in (("en", "en"), ("zh", "zh-hans"))}  # fmt: skip
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
COMMAND = re.compile(r"python3 manage\.py ([^`\n]+)")
SETTING = re.compile(r"\b(?:JURYROOM_[A-Z]+|DATABASE_URL|REDIS_URL)\b(?!_)")
pytestmark = pytest.mark.django_db


def linked(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", text)


def headings(text: str) -> list[str]:
    return re.findall(r"^(#+) ", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_and_picture_is_there(name):
    missing = [
        link
        for link in linked(TEXTS[name])
        if not link.startswith("https:") and not (FILES[name].parent / link).is_file()
    ]
    assert linked(TEXTS[name]) and missing == []


@pytest.mark.parametrize("role", guides.ROLES)
def test_both_languages_have_the_same_headings_pictures_commands_addresses_and_keys(role):
    def outline(text: str) -> list:
        code = re.findall(r"`([^`\n]+)`", text)
        return [
            headings(text),
            [re.sub(r"\.(en|zh)\.png", "", link) for link in linked(text)],
            [one.split("#")[0].strip() for one in COMMAND.findall(text)],
            sorted({one for one in code if one.startswith("/") or len(one) == 1}),
            sorted(set(SETTING.findall(text))),
        ]

    assert outline(TEXTS[f"{role}.en"]) == outline(TEXTS[f"{role}.zh"])


@pytest.mark.parametrize("name", TEXTS)
def test_a_guide_shows_pictures_of_its_own_language_only(name):
    tail = name.rpartition(".")[2]
    assert all(link.endswith(f".{tail}.png") for link in linked(TEXTS[name]) if link.endswith(".png"))


@pytest.mark.parametrize("name", TEXTS)
def test_a_guide_is_neither_a_note_nor_a_book(name):
    assert 60 <= len(TEXTS[name].splitlines()) <= 120


@pytest.mark.parametrize("name", TEXTS)
def test_every_address_a_guide_names_leads_somewhere(name):
    addresses = re.findall(r"`(/[a-z0-9/-]*)`", TEXTS[name])
    lost = []
    for address in addresses:
        try:
            resolve(address)
        except Resolver404:
            lost.append(address)
    assert addresses and lost == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_and_option_a_guide_names_exists(name):
    wrong = []
    for line in COMMAND.findall(TEXTS[name]):
        command, *rest = line.split("#")[0].split()
        if command in ("test",):  # of manage.py itself
            continue
        if command not in get_commands():
            wrong.append(command)
            continue
        known = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
        options = {option for action in known._actions for option in action.option_strings}
        wrong += [f"{command} {one}" for one in rest if one.startswith("--") and one not in options]
    assert wrong == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_setting_a_guide_names_is_read_somewhere(name):
    read = "\n".join(
        path.read_text(encoding="utf-8")
        for app in ("arena", "judging", "rating")
        for path in (ROOT / app).rglob("*.py")
    )
    assert [one for one in SETTING.findall(TEXTS[name]) if one not in read] == []


def test_pictures_are_those_that_guides_show_all_of_one_size_and_small():
    files = sorted((ROOT / "docs/images").glob("*.png"))
    assert {path.name for path in files} == guides.pictures()
    sizes = set()
    for path in files:
        with Image.open(path) as picture:
            sizes.add(picture.size)
    assert sizes == {(1280, 860)}
    assert sum(path.stat().st_size for path in files) < 3_000_000


def test_the_script_takes_every_picture():
    script = (ROOT / "docs/screenshots.py").read_text(encoding="utf-8")
    taken = re.findall(r'Picture\("([a-z-]+)"', script)
    assert {name.rsplit(".", 2)[0] for name in guides.pictures()} == set(taken)


# --- in the app


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("role", guides.ROLES)
def test_a_guide_is_read_in_the_app_in_the_readers_language(client, role, language, django_assert_num_queries):
    client.cookies["django_language"] = language
    with django_assert_num_queries(0):
        page = client.get(reverse("guide", args=[role]))
    shown = guides.guide(role, language)
    assert shown.title in page.text and page.text.count("<h1>") == 1
    assert all(
        f"<h2>{section.heading}</h2>" in page.text.replace("&#x27;", "'")
        for section in shown.sections
        if section.heading
    )
    assert page.text.count("<figure") == len(shown.pictures) > 0
    assert "[image" not in page.text and "](" not in page.text
    assert "<br" not in page.text, "lines of a paragraph are one"


def test_lines_of_a_paragraph_are_joined_and_points_rows_and_code_are_not():
    def shown(text: str) -> str:
        return guides._parts(text)[0].html

    assert shown("one\ntwo") == "<p>one two</p>\n"
    assert shown("一行\n又一行") == "<p>一行又一行</p>\n"
    assert shown("* one\n  more\n* **two**\n").count("<li>") == 2
    assert shown("1. one\n2. two\n").count("<li>") == 2
    assert shown("words\n**bold**\n`code` on") == "<p>words <strong>bold</strong> <code>code</code> on</p>\n"
    assert "a\nb" in shown("```\na\nb\n```\n")


def test_the_help_leads_to_all_four(client):
    page = client.get(reverse("help")).text
    assert all(f'href="{reverse("guide", args=[role])}"' in page for role in guides.ROLES)


def test_a_picture_is_served_and_nothing_beside_it(client):
    response = client.get(reverse("guide_image", args=["annotator-ballot.en.png"]))
    assert response["Content-Type"] == "image/png"
    assert response.content[:4] == b"\x89PNG"
    for other in ("annotator-ballot.png", "secret.key", "..", "%2e%2e%2fapi.md"):
        assert client.get(f"/help/images/{other}").status_code == 404
    assert client.get("/help/nobody/").status_code == 404
