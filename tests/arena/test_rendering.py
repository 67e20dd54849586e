"""Answers as HTML: readable where they are honest, inert where they are hostile."""

import re
from html.parser import HTMLParser

import pytest

from arena.rendering import LANGUAGES, LONGEST_TEXT, render
from tests.clocks import quickest
from tests.hostile import HOSTILE, SIZES

ALLOWED = {
    "p": set(),
    "br": set(),
    "hr": set(),
    "h3": set(),
    "h4": set(),
    "h5": set(),
    "h6": set(),
    "strong": set(),
    "em": set(),
    "s": set(),
    "code": {"class"},
    "pre": {"class"},
    "span": {"class"},
    "blockquote": set(),
    "ul": set(),
    "ol": {"start"},
    "li": set(),
    "a": {"href", "rel"},
    "table": set(),
    "thead": set(),
    "tbody": set(),
    "tr": set(),
    "th": {"class"},
    "td": {"class"},
}

CLASSES = {
    "pre": r"hl|raw",
    "code": r"language-[a-z+#0-9]+",
    "span": r"maths|[a-z][a-z0-9]{0,2}",  # the short names of colours in code
    "th": r"is-(left|center|right)",
    "td": r"is-(left|center|right)",
}


class Audit(HTMLParser):
    """What a browser would see: fails on any tag, attribute or address that is not on the test's own list."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.text, self.links, self.open = "", [], []
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open[:5]}"

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED, f"<{tag}>"
        assert {name for name, _ in attrs} <= ALLOWED[tag], f"<{tag} {attrs}>"
        assert re.fullmatch(CLASSES.get(tag, ""), dict(attrs).get("class", "")) or not attrs or tag in ("a", "ol"), (
            attrs
        )
        if tag == "a":
            self.links.append(dict(attrs))
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def handle_decl(self, decl):
        raise AssertionError("a declaration")

    def unknown_decl(self, data):
        raise AssertionError("a declaration")

    def handle_pi(self, data):
        raise AssertionError("an instruction")


GOOD = [
    ("plain words", "<p>plain words</p>"),
    ("**bold** *lean* ~~gone~~ `code`", "<strong>bold</strong> <em>lean</em> <s>gone</s> <code>code</code>"),
    ("# One", "<h3>One</h3>"),
    ("## Two", "<h4>Two</h4>"),
    ("###### Six", "<h6>Six</h6>"),
    ("Title\n=====", "<h3>Title</h3>"),
    ("1. one\n2. two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"),
    ("7. seven", '<ol start="7">'),
    ("- a\n  - b", "<ul>\n<li>b</li>"),
    ("> said", "<blockquote>\n<p>said</p>"),
    ("|a|b|\n|:-|-:|\n|1|2|", '<td class="is-right">2</td>'),
    ("```python\nx = 1\n```", '<pre class="hl"><code class="language-python"><span class="n">x</span>'),
    ("```\n<b>\n```", '<pre class="hl"><code>&lt;b&gt;\n</code></pre>'),
    ("```klingon\nqapla\n```", "<code>qapla\n</code>"),
    (
        "[site](https://example.org/a?b=1)",
        '<a href="https://example.org/a?b=1" rel="noopener noreferrer nofollow">site',
    ),
    ("<https://example.org>", '<a href="https://example.org" rel='),
    ("[mail](mailto:a@example.org)", '<a href="mailto:a@example.org"'),
    (r"\(a<b\)", r'<span class="maths">\(a&lt;b\)</span>'),
    (r"so $x_1 < y_1$ and $z_2$", '<span class="maths">$x_1 &lt; y_1$</span>'),
    ("$$\na\n- b\n$$", '<span class="maths">$$\na\n- b\n$$</span>'),
    ("\\[\nE = mc^2\n\\]\nafter", "<p>after</p>"),
    (r"\[ x_1 * y * z_1 \] inline", r'<span class="maths">\[ x_1 * y * z_1 \]</span>'),
    ("from $5 to *about* $10", "from $5 to <em>about</em> $10"),
    ("你好，**世界**", "<strong>世界</strong>"),
    ("**so** " + "*" * 2_000 + " on", "<p><strong>so</strong> " + "*" * 2_000 + " on</p>"),
    ("_so_" + "_" * 2_000, "<p>_so_" + "_" * 2_000 + "</p>"),
    ("![a cat](https://example.org/cat.png)", "[image not loaded: a cat — https://example.org/cat.png]"),
    ("![](https://example.org/cat.png)", "[image not loaded: https://example.org/cat.png]"),
    ("![a chart](chart.png)", "[image not loaded: a chart — chart.png]"),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_markdown_is_shown_as_markdown(text, expected):
    html = render(text)
    assert expected in html
    Audit(html)


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_answer_is_empty(text):
    assert render(text) == ""


# Shown raw, because the Markdown would hide or multiply something
RAW = {
    "deep quotes": ">" * 5_000 + " at the bottom",
    "deep lists": "- " * 3_000 + "at the bottom",
    "quotes and lists in turn": "> - " * 2_000 + "at the bottom",
    "indented lists": "\n".join("  " * n + "- item" for n in range(200)),
    "a link definition alone": "[hidden]: https://example.org 'words that nobody would see'",
    "cells beyond the header": "|a|\n|-|\n|b|words that nobody would see|",
    "words after a code fence": "~~~ a " + "words that nobody would see " * 5 + "\n~~~",
    "many link definitions": "[a]: b\n" * 200,
    "too long": "word " * (LONGEST_TEXT // 5 + 1),
    "too wide": "|a" * 200 + "\n" + "|-" * 200,
    "many empty cells": "|a" * 90 + "|\n" + "|-" * 90 + "|\n" + "|\n" * 70_000,
}


@pytest.mark.parametrize("name", RAW)
def test_what_markdown_would_hide_is_shown_raw(name):
    text = RAW[name]
    html = render(text)
    assert html.startswith('<pre class="raw">')
    assert Audit(html).text.split() == text.split()


def test_the_attacks_are_as_many_as_promised():
    assert len(set(HOSTILE.values())) >= 40
    assert len(set(SIZES.values())) >= 16


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_inert(name):
    page = Audit(render(HOSTILE[name]))
    for link in page.links:
        assert re.match(r"https?://|mailto:", link["href"])
        assert link["rel"] == "noopener noreferrer nofollow"


def test_an_address_that_leads_nowhere_good_stays_visible():
    assert Audit(render("[click](javascript:alert(1))")).text.strip() == "[click](javascript:alert(1))"


def test_a_long_data_address_is_shortened():
    assert len(render(HOSTILE["data image"])) < 400


@pytest.mark.parametrize("name", SIZES)
def test_a_huge_answer_takes_less_than_a_second_and_is_inert(name):
    assert quickest(lambda: render(SIZES[name])) < 1
    Audit(render(SIZES[name]))


SLOW_CODE = [
    "a" * 9_900,
    "a\n" * 4_950,
    "\n " * 4_950,
    '"\\' * 4_950,
    "(" * 900 + "\n",
    "a.b." * 240 + "\n",
    "<a " * 300,
]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_hostile_code_is_coloured_or_not_in_less_than_a_second(language):
    def colour_all():
        for code in SLOW_CODE:
            Audit(render(f"~~~{language}\n{code}\n~~~"))

    assert quickest(colour_all) < 1.5


def test_code_after_a_slow_block_is_shown_without_colours():
    text = "```python\nx = 1\n```\n" * 7_000
    html = render(text)
    assert '<span class="n">x</span>' in html
    assert '<code class="language-python">x = 1\n</code>' in html


def test_code_keeps_its_blank_lines_and_its_lack_of_a_last_newline():
    assert Audit(render("```python\n\n\nx\n\n```")).text == "\n\nx\n\n\n"
