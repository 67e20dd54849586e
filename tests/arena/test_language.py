"""The interface in Chinese: the catalogue is whole and current, and no page falls back to English."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.translation.template import templatize

from arena.models import Category
from tests.judging import recorded, voting
from tests.rating import make

CATALOGUE = settings.BASE_DIR / "arena" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
SHORT = 12
"""Characters up to which an English msgid may be a name, a unit or part of another word on the page."""
PLACEHOLDER = re.compile(r"%\(\w+\)[\d.]*[sdfg]|%%|</?\w+[^>]*>")
MARKERS = {"gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy", "_"}
LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"(?<!\w)(_|n?p?gettext)\(((?:{LITERAL}(?:, )?)+)")
HAN = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,:;?!()]|[,;?!()][\u4e00-\u9fff]")


# --- reading what is there


@dataclass(frozen=True)
class Entry:
    """One entry of the catalogue; `context` and `plural` are "" where it has none."""

    msgid: str
    context: str
    plural: str
    text: str
    flags: frozenset[str]


def read(path: Path) -> list[Entry]:
    """The entries of a .po file, the header among them."""
    return [_entry(block) for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")) if "msgid " in block]


def _entry(block: str) -> Entry:
    fields: dict[str, str] = {}
    flags: set[str] = set()
    field = ""
    for line in block.splitlines():
        if line.startswith("#,"):
            flags.update(flag.strip() for flag in line[2:].split(","))
        elif line and not line.startswith("#"):
            name, _, quoted = line.partition('"')
            field = name.strip() or field
            fields[field] = fields.get(field, "") + ast.literal_eval(f'"{quoted}')
    text = fields.get("msgstr") or fields.get("msgstr[0]", "")
    return Entry(fields["msgid"], fields.get("msgctxt", ""), fields.get("msgid_plural", ""), text, frozenset(flags))


def marked_in_templates() -> Iterator[tuple[str, str]]:
    """(context, msgid) of every string marked in a template, as makemessages sees them."""
    for path in sorted((settings.BASE_DIR / "templates").rglob("*.*")):
        for name, texts in CALL.findall(templatize(path.read_text(encoding="utf-8"), origin=str(path))):
            yield _key(name, ast.literal_eval(f"({texts.rstrip(', ')},)"))


def marked_in_python() -> Iterator[tuple[str, str]]:
    """(context, msgid) of every string marked in the apps' code."""
    for app in ("arena", "judging", "rating"):
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _strings(node)


def _strings(call: ast.Call) -> Iterator[tuple[str, str]]:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    texts = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if name in MARKERS and texts:
        yield _key(name, texts)


def _key(name: str, texts: Sequence[str]) -> tuple[str, str]:
    return (texts[0], texts[1]) if "pgettext" in name else ("", texts[0])


class Visible(HTMLParser):
    """The text a reader sees or hears: what stands between tags, and what is spoken from attributes."""

    SPOKEN = ("aria-label", "placeholder", "title", "alt", "data-announce", "data-say", "data-offline", "data-failed")

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style")
        self.parts += [value for name, value in attrs if name in self.SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def visible(html: str) -> str:
    """The page's text in one line, a break between any two elements."""
    reader = Visible()
    reader.feed(html)
    return re.sub(r"\s+", " ", "\n".join(reader.parts))


ENTRIES = [entry for entry in read(CATALOGUE) if entry.msgid]


# --- the catalogue


def test_every_entry_is_translated():
    assert [entry.msgid for entry in ENTRIES if not entry.text.strip()] == []


def test_no_translation_is_a_guess():
    assert [entry.msgid for entry in ENTRIES if "fuzzy" in entry.flags] == []


def test_translations_keep_placeholders_and_tags():
    assert [entry.msgid for entry in ENTRIES if held(entry.text) != held(entry.plural or entry.msgid)] == []


def held(text: str) -> list[str]:
    """The placeholders and tags of a text, in alphabetical order."""
    return sorted(PLACEHOLDER.findall(text))


def test_chinese_punctuation_is_full_width():
    assert [entry.text for entry in ENTRIES if HALF_WIDTH.search(PLACEHOLDER.sub("", entry.text))] == []


def test_the_compiled_catalogue_is_that_of_the_source():
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in ENTRIES:
        said = compiled.pgettext(entry.context, entry.msgid) if entry.context else compiled.gettext(entry.msgid)
        if entry.plural:
            said = compiled.ngettext(entry.msgid, entry.plural, 2)
        assert said == entry.text, f"compile the catalogue again: {entry.msgid!r}"
    assert len([key for key in compiled._catalog if key]) == len(ENTRIES)


def test_every_marked_string_is_in_the_catalogue_and_no_other():
    marked = {*marked_in_templates(), *marked_in_python()}
    listed = {(entry.context, entry.msgid) for entry in ENTRIES}
    assert not marked - listed, "run makemessages and translate these"
    assert not listed - marked, "nothing says these any more: run makemessages"


# --- the pages


@pytest.fixture
def in_chinese(client):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    return client


def english_in(page: str) -> list[str]:
    """The catalogue's English sentences and labels, longer than SHORT, that the page shows."""
    parts = [(entry, _literal(entry.msgid)) for entry in ENTRIES if entry.msgid != entry.text]
    parts += [(entry, _literal(entry.plural)) for entry in ENTRIES if entry.plural]
    return [entry.msgid for entry, literal in parts if len(literal) > SHORT and literal in page]


def _literal(msgid: str) -> str:
    """The longest stretch of a msgid that a page shows as it stands: no placeholders, no tags."""
    return max((part.strip() for part in PLACEHOLDER.split(msgid)), key=len)


def boards() -> dict[str, str]:
    """Pages of ratings and agreement, of a board that has both."""
    snapshot = make.board(provenances=["demo", "dry_run", "imported"])
    benchmark = snapshot.leaderboard.benchmark
    judge = make.judge("steady")
    for category in (None, *Category.objects.exclude(group=None)[:2]):
        make.agreement(snapshot, category=category)
        make.agreement(snapshot, "people_judge", "people–judge steady", category=category, n=20)
        make.agreement(snapshot, "judges", "steady–other", category=category, alpha=None, low=None, high=None)
        make.agreement(snapshot, "orders", "steady (both orders)", category=category)
    return {
        "home": reverse("home"),
        "leaderboard": reverse("leaderboard", args=[benchmark.pk]),
        "leaderboard of nothing": reverse("leaderboard", args=[benchmark.pk]) + "?source=people",
        "leaderboard of an unknown category": reverse("leaderboard", args=[benchmark.pk]) + "?category=none",
        "snapshot": reverse("snapshot", args=[snapshot.pk]),
        "agreement": reverse("agreement", args=[benchmark.pk]),
        "judge": reverse("judge", args=[judge.pk]),
        "model": reverse("model", args=[snapshot.ratings.first().model_id]),
    }


def record() -> dict[str, str]:
    """Pages of questions, battles and runs, with judgments good and failed."""
    benchmark = recorded.benchmark()
    question = recorded.answered(benchmark)[0]
    battle = recorded.battle(question)
    run = recorded.run(benchmark, judges=[recorded.judge()])
    recorded.preference(battle, run=run, note="short", seconds=2.5, asked=2)
    recorded.preference(battle, recorded.judge("lost"), run=run, status="parse_error", error="no verdict", reply="Hm.")
    return {
        "benchmarks": reverse("benchmarks"),
        "benchmark": reverse("benchmark", args=[benchmark.pk]),
        "benchmark without a match": reverse("benchmark", args=[benchmark.pk]) + "?text=nothing+like+it",
        "question": reverse("question", args=[question.pk]),
        "battle": reverse("battle", args=[battle.pk]),
        "runs": reverse("runs"),
        "run": reverse("run", args=[run.pk]),
        "run_new": reverse("run_new"),
    }


def booth() -> dict[str, str]:
    """Pages people vote on: pairs and single answers, open, done and closed."""
    pairs = voting.open_run(questions=2)
    return {"vote": reverse("vote"), "ballot": reverse("ballot", args=[pairs.pk])}


def assert_chinese(response, name: str) -> None:
    page = visible(response.text)
    assert '<html lang="zh-hans"' in response.text, name
    assert HAN.search(page), name
    assert not english_in(page), name


@pytest.mark.django_db
@pytest.mark.parametrize("pages", [boards, record, booth])
@pytest.mark.parametrize("roles", [(), ("lead", "annotator")], ids=["visitor", "lead"])
def test_no_page_in_chinese_shows_an_english_sentence_of_ours(in_chinese, pages, roles):
    if roles:
        in_chinese.force_login(recorded.person("ann", *roles))
    for name, address in pages().items():
        response = in_chinese.get(address, follow=True)
        assert response.status_code in (200, 404) or not roles, name
        assert_chinese(response, name)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["home", "benchmarks", "help", "login", "vote", "runs"])
def test_a_page_of_an_empty_site_is_in_chinese(in_chinese, name):
    in_chinese.force_login(recorded.person("ann", "lead", "annotator"))
    assert_chinese(in_chinese.get(reverse(name)), name)


@pytest.mark.django_db
def test_an_address_that_leads_nowhere_says_so_in_chinese(in_chinese):
    assert_chinese(in_chinese.get("/nowhere/"), "404")


@pytest.mark.django_db
def test_the_ballot_for_single_answers_and_its_end_are_in_chinese(in_chinese):
    user = recorded.person("ann", "annotator")
    run = voting.open_run(questions=1, models=1, mode="single")
    in_chinese.force_login(user)
    assert_chinese(in_chinese.get(reverse("ballot", args=[run.pk])), "ballot")
    seat = voting.seat_in_hand(run, user)
    said = in_chinese.post(reverse("cast", args=[seat.token]), {}, headers={"HX-Request": "true"})
    assert "这一项还没有打分。" in said.text
    in_chinese.post(reverse("skip", args=[seat.token]), {"reason": ""})
    assert_chinese(in_chinese.get(reverse("ballot", args=[run.pk])), "the end")


@pytest.mark.django_db
def test_a_form_that_cannot_be_taken_says_why_in_chinese(in_chinese):
    in_chinese.force_login(recorded.person("lea", "lead"))
    recorded.answered(recorded.benchmark())
    assert_chinese(in_chinese.post(reverse("run_new"), {"name": "", "start": "1"}), "run_new")


@pytest.mark.django_db
def test_english_left_over_on_a_page_would_be_found():
    assert english_in(visible("<p>Which model answers best, and who says so?</p>"))
    assert english_in(visible('<button aria-label="Neighbouring questions">x</button>'))
    assert not english_in(visible("<script>'Neighbouring questions'</script>"))
