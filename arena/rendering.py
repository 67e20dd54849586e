"""Answers as safe HTML: Markdown, then code colours, then a tight allow-list. Answers are hostile input.

What cannot be shown faithfully (too long, too wide, too slow, or much of it would be missing) is shown
raw, so that nothing an answer says can hide from a reader.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import MutableMapping, Sequence
from functools import cache
from html import escape, unescape
from itertools import accumulate, groupby
from time import thread_time
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

RENDERER_VERSION = 3
"""Changes whenever the same text may give other HTML: cached HTML of another version is rendered again."""

LONGEST_TEXT = 150_000  # characters; longer is shown raw
WIDEST_TABLE = 100  # columns; wider is shown raw
LONGEST_CODE = 10_000  # characters of one code block; longer is shown without colours
LONGEST_CODE_LINE = 1_000  # characters; several lexers take time that grows with the square of it
LONGEST_MATHS = 4_000  # characters between two maths delimiters
MOST_MARKS = 60  # accents on one letter; Chromium takes half a minute to draw 149,000 of them
DEEPEST = 60  # elements of a line within each other; under 35,000 nested ones a page stands still for ten seconds
LONGEST_RUN = 1_000  # of one mark that emphasises, on end; a longer one is characters like any other
LONGEST_URL_SHOWN = 200  # characters of an address written out in the text
LEAST_SHOWN = 0.8  # share of the source's letters and digits that must be in the HTML
CPU_SECONDS = 0.4  # of this thread, for one text
COLOUR_SECONDS = 0.15  # of those, for colouring its code; what comes after is shown without colours

# Lexers by name, never by guess: guessing runs every lexer there is over hostile text.
_LANGUAGE_NAMES = """
bash c cpp c++ csharp c# css diff dockerfile go haskell html ini java javascript js json jsx julia kotlin latex tex lua
markdown md matlab perl php powershell py python python3 r ruby rb rust rs scala sh shell sql swift toml ts tsx
typescript xml yaml yml
"""
LANGUAGES = frozenset(_LANGUAGE_NAMES.split())

_DISPLAY_MATHS = {"\\[": "\\]", "$$": "$$"}
_MATHS = {"\\(": "\\)", **_DISPLAY_MATHS}
_EMPHASIS = "*_~"
_DEMOTED = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
_LIST_MARKER = re.compile(r"(?m)^[ \t>*+-]*\d{1,9}[.)](?=\s)")
_DELIMITER_ROW = re.compile(r"[ \t>|:*+-]+")
# Lexers go wrong on these (C# takes 8 seconds for the second): blanks, and words with nothing but blanks between.
_SLOW_TO_COLOUR = re.compile(r"\s{200}|(?:\b\w+\s+){60}")
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)


class _TooSlow(Exception):
    """The text needs more time than one answer may take."""


def render(text: str) -> str:
    """The HTML of an answer, safe to put into a page as it is; the empty string for an empty answer.

    Inline and block HTML in the source is shown as text; nothing is loaded from anywhere; links lead
    to http, https and mailto only; headings start at h3; maths keeps its delimiters inside
    `<span class="maths">`; code colours are Pygments' short class names under `.hl`.
    """
    if not text.strip():
        return ""
    text = thinned(text)
    if len(text) > LONGEST_TEXT or _widest_table(text) > WIDEST_TABLE:
        return raw(text)
    try:
        env: dict[str, Any] = {"deadline": thread_time() + CPU_SECONDS, "colour_seconds": COLOUR_SECONDS}
        tokens = _MARKDOWN.parse(text, env)
        if _shown(tokens) < LEAST_SHOWN * _weight(_LIST_MARKER.sub("", unescape(text))):
            return raw(text)
        if _deepest(tokens) > DEEPEST:
            return raw(text)
        return _clean(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, env))
    except (_TooSlow, RecursionError):
        return raw(text)


def raw(text: str) -> str:
    """The text as it is, in a `<pre class="raw">`."""
    return f'<pre class="raw">{escape(thinned(text))}</pre>'


def thinned(text: str) -> str:
    """The text with no more than MOST_MARKS combining marks on end; how many there were beyond is said in their place."""
    if text.isascii():
        return text
    return _too_many_marks().sub(lambda found: f"{found[1]} [+{len(found[2])} ◌̂]", text)


@cache
def _too_many_marks() -> re.Pattern[str]:
    numbers = (n for n in range(0x300, sys.maxunicode + 1) if unicodedata.category(chr(n)) in ("Mn", "Me"))
    runs = (list(run) for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]))
    marks = "".join(f"{chr(run[0][1])}-{chr(run[-1][1])}" for run in runs)
    return re.compile(f"([{marks}]{{{MOST_MARKS}}})([{marks}]+)")


def _clean(html: str) -> str:
    """Only what the allow-list names; a last fence, should the Markdown above ever let something through."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )


_TEXT_TAGS = {"p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "span", "blockquote", "a"}
_TAGS = _TEXT_TAGS | {"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"}
_CLASSES = {
    "span": {name for name in STANDARD_TYPES.values() if name} | {"maths"},
    "pre": {"hl"},
    "code": {f"language-{name}" for name in LANGUAGES},
    "th": {"is-left", "is-center", "is-right"},
    "td": {"is-left", "is-center", "is-right"},
}


# How much of the source is shown


def _weight(text: str) -> int:
    """How many letters and digits a text has, of any script."""
    return sum(map(str.isalnum, text))


def _shown(tokens: Sequence[Token]) -> int:
    """Letters and digits of the source that the HTML will hold, as text or as an address.

    The language of a code block counts as shown, unless something longer is passed off as one.
    """
    total = 0
    for token in tokens:
        if token.type == "inline":
            total += _shown(token.children or [])
        elif token.type == "link_open":
            total += _weight(str(token.attrs.get("href", "")))
        elif token.type == "image":
            total += _weight(token.content + str(token.attrs.get("src", "")))
        else:
            total += _weight(token.content) + _weight("".join(token.info.split()[:1])[:20])
    return total


def _deepest(tokens: Sequence[Token]) -> int:
    """How many elements within a line lie within each other at most; blocks are limited by the parser itself."""
    lines = (accumulate(child.nesting for child in token.children or []) for token in tokens)
    return max((depth for line in lines for depth in line), default=0)


def _widest_table(text: str) -> int:
    """Columns of the widest line that could announce a table."""
    rows = (line for line in text.splitlines() if "|" in line and _DELIMITER_ROW.fullmatch(line))
    return max((line.count("|") for line in rows), default=0)


# Rules added to the Markdown parser


def _check_time(env: MutableMapping[str, Any]) -> None:
    if thread_time() > env["deadline"]:
        raise _TooSlow


def _block_deadline(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A rule that never matches: it is asked at every line, so it is where the time is watched."""
    _check_time(state.env)
    return False


def _inline_deadline(state: StateInline, silent: bool) -> bool:
    """The same at every inline position that is not plain text."""
    _check_time(state.env)
    return False


def _inline_long_run(state: StateInline, silent: bool) -> bool:
    """A run of marks too long to emphasise anything: each of its marks would become a token, all in one go."""
    mark = state.src[state.pos]
    if mark not in _EMPHASIS or not state.src.startswith(mark * LONGEST_RUN, state.pos):
        return False
    end = state.posMax - len(state.src[state.pos : state.posMax].lstrip(mark))
    if not silent:
        state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def _inline_maths(state: StateInline, silent: bool) -> bool:
    r"""Maths is kept as it stands, so that `\(a<b\)` keeps its backslashes and `$a_1 b_1$` its underscores."""
    opening, closing = _maths_delimiters(state.src, state.pos)
    if not opening:
        return False
    start = state.pos + len(opening)
    end = state.src.find(closing, start, min(state.posMax, start + LONGEST_MATHS))
    if end <= start or (opening == "$" and not _is_dollar_maths(state.src, start, end)):
        return False
    if not silent:
        state.push("maths", "", 0).content = state.src[state.pos : end + len(closing)]
    state.pos = end + len(closing)
    return True


def _maths_delimiters(text: str, at: int) -> tuple[str, str]:
    """The opening delimiter at this place and the one that closes it; empty strings where there is none."""
    two = text[at : at + 2]
    if two in _MATHS:
        return two, _MATHS[two]
    return ("$", "$") if two[:1] == "$" else ("", "")


def _is_dollar_maths(text: str, start: int, end: int) -> bool:
    """Whether `$…$` is maths and not two prices: no space inside the dollars, no digit after them, one paragraph."""
    inner, after = text[start:end], text[end + 1 : end + 2]
    return not (inner[0].isspace() or inner[-1].isspace() or after.isdigit() or "\n\n" in inner)


def _block_maths(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""`\[…\]` or `$$…$$` over several lines, whose lines would otherwise be read as lists and headings."""
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]].rstrip()
    closing = _DISPLAY_MATHS.get(first[:2])
    if closing is None or closing in first[2:] or state.is_code_block(start):
        return False
    for line in range(start + 1, min(end, start + 100)):
        text = state.src[state.bMarks[line] : state.eMarks[line]].rstrip()
        if text.endswith(closing):
            if not silent:
                _push_maths_block(state, start, line + 1)
            return True
    return False


def _push_maths_block(state: StateBlock, start: int, end: int) -> None:
    state.push("paragraph_open", "p", 1)
    state.push("maths", "", 0).content = state.getLines(start, end, state.blkIndent, False).strip()
    state.push("paragraph_close", "p", -1)
    state.line = end


def _demote_and_disarm(state: StateCore) -> None:
    """Headings below the page's own, alignments as classes, links that lead nowhere good as text."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = _DEMOTED[token.tag]
        elif token.type in ("th_open", "td_open") and "style" in token.attrs:
            side = str(token.attrs.pop("style")).removeprefix("text-align:")
            token.attrSet("class", f"is-{side}")
        elif token.type == "inline":
            _disarm_links(token.children or [])


def _disarm_links(tokens: Sequence[Token]) -> None:
    """Links to anything but http, https and mailto become what was written: `[words](address)`."""
    closing = ""
    for token in tokens:
        if token.type == "link_open":
            href = str(token.attrs.get("href", ""))
            closing = "" if _SAFE_LINK.match(href) else f"]({_shortened(href)})"
            if closing:
                token.type, token.tag, token.nesting, token.content = "text", "", 0, "["
        elif token.type == "link_close" and closing:
            token.type, token.tag, token.nesting, token.content = "text", "", 0, closing


def _shortened(address: str) -> str:
    return address if len(address) <= LONGEST_URL_SHOWN else address[:LONGEST_URL_SHOWN] + "…"


# What some tokens look like


def _render_maths(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    return f'<span class="maths">{escape(tokens[at].content)}</span>'


def _render_image(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    """Words in place of the image: a request to another host would tell it who reads, and when."""
    token = tokens[at]
    alt = renderer.renderInlineAsText(token.children or [], options, env).strip()
    parts = [part for part in (alt, _shortened(str(token.attrs.get("src", "")))) if part]
    return escape(f"[image not loaded: {' — '.join(parts)}]")


def _render_fence(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    _check_time(env)
    code = tokens[at].content
    words = unescape(tokens[at].info).lower().split(maxsplit=1)
    if not words or words[0] not in LANGUAGES:
        return f'<pre class="hl"><code>{escape(code)}</code></pre>\n'
    return f'<pre class="hl"><code class="language-{words[0]}">{_coloured(code, words[0], env)}</code></pre>\n'


def _coloured(code: str, language: str, env: MutableMapping[str, Any]) -> str:
    """The code with Pygments' classes, or only escaped where colouring could take long or has taken long already."""
    lines_too_long = max(map(len, code.splitlines()), default=0) > LONGEST_CODE_LINE
    if env["colour_seconds"] <= 0 or len(code) > LONGEST_CODE or lines_too_long or _SLOW_TO_COLOUR.search(code):
        return escape(code)
    started = thread_time()
    coloured = str(highlight(code, get_lexer_by_name(language, stripnl=False, ensurenl=False), _FORMATTER))
    env["colour_seconds"] -= thread_time() - started
    return coloured


_FORMATTER = HtmlFormatter(nowrap=True)


def _parser() -> MarkdownIt:
    """CommonMark with tables and strikethrough, without HTML, with our rules."""
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": 40, "breaks": True}).enable(
        ["table", "strikethrough"]
    )
    ends = ["paragraph", "reference", "blockquote", "list"]
    markdown.block.ruler.before("table", "maths_block", _block_maths, {"alt": ends})
    markdown.block.ruler.before("maths_block", "deadline", _block_deadline, {"alt": ends})
    markdown.inline.ruler.before("escape", "maths", _inline_maths)
    markdown.inline.ruler.before("text", "deadline", _inline_deadline)
    markdown.inline.ruler.before("strikethrough", "long_run", _inline_long_run)
    markdown.core.ruler.push("demote_and_disarm", _demote_and_disarm)
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]  # _disarm_links decides, and shows them
    markdown.add_render_rule("maths", _render_maths)
    markdown.add_render_rule("image", _render_image)
    markdown.add_render_rule("fence", _render_fence)
    return markdown


_MARKDOWN = _parser()
