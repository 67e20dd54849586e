"""Where an answer names its maker: "I am Qwen, made by Alibaba Cloud", "作为通义千问，我…". Pure: no database, no Django.

A name alone is not enough, for people write about models: it has to stand in a sentence by which the writer says who it is,
or be a name of the writer's own that is no dictionary word and that the question does not hold.

Texts are read as they look: letters of other scripts that look Latin, full-width letters, traditional characters, emphasis
and zero-width characters make no difference. Names found in a text become single characters of a second text, on which the
patterns work; all of them are bounded, so that the time is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from judging.leak_names import (
    ASSISTANTS,
    ASSISTANTS_LIKE_WORDS,
    COMMON_WORDS,
    GENERIC,
    MAKERS,
    TIERS,
)
from judging.leak_patterns import MAKER_SAID, MASKED, MODEL, NAME_SAID, OTHER_MAKER, SENTENCE_END

MARK = "▇▇▇"
NAME, MAKER, ALIAS = "name", "maker", "alias"
"""Kinds of leaks: it says its name, it says who made it, it uses its own name in passing."""

NEAR = 120  # characters between two names of one sentence
SHORTEST = 4  # letters of a name that is nobody's word
SHORTEST_HAN = 4


@dataclass(frozen=True)
class Identity:
    """What one model (by its id) is called: `words` are its names, `makers` those of who made it."""

    model: int
    words: tuple[str, ...]
    makers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leak:
    """A passage `text` of turn `turn` (from 0), from `start` to before `end`, that tells who wrote it; `kind`: how."""

    turn: int
    start: int
    end: int
    text: str
    kind: str


def leaks(
    turns: Sequence[str],
    identities: Iterable[Identity] = (),
    *,
    others: Iterable[Identity] = (),
    asked: Sequence[str] = (),
) -> list[Leak]:
    """The passages by which an answer names its maker, in their order; none overlaps another.

    `identities` are those of the model that wrote it: a name of theirs that is no dictionary word is a leak wherever it
    stands, unless `asked`, the turns of the question, hold it too. Names of `others`, and the well-known ones, are leaks
    where the answer says that it is them or was made by them, and a name by which it called itself is one everywhere.
    """
    own, known = tuple(identities), _names((*identities, *others))
    in_question = {hit.name for text in asked for hit in _hits(_read(text), known)} if asked else set()
    mine = {name for one in own for name in _distinct_names(one)} - in_question
    read = [(text, seen, _hits(seen, known)) for text, seen in ((text, _read(text)) for text in turns)]
    said = [_said(seen, hits) if hits else {} for _text, seen, hits in read]
    named = {
        hits[at].name for (_t, _s, hits), found in zip(read, said, strict=True) for at in found if found[at] == NAME
    }
    told = []
    for number, ((text, seen, hits), found) in enumerate(zip(read, said, strict=True)):
        again = {at for at, hit in enumerate(hits) if _is_of(hit, mine) or (hit.counts and hit.name in named)}
        told += [_leak(number, text, seen, hits[at], found.get(at, ALIAS)) for at in sorted(again | found.keys())]
    return told


def masked(text: str, leaks: Iterable[Leak]) -> str:
    """The text with the passages of these leaks (all of this text) covered; everything else stays as it is."""
    parts, place = [], 0
    for leak in sorted(leaks, key=lambda leak: leak.start):
        parts += [text[place : leak.start], MARK]
        place = leak.end
    return "".join([*parts, text[place:]])


def _is_of(hit: _Hit, names: set[Tokens]) -> bool:
    """Whether it is one of these names, or begins with one."""
    return any(hit.name[:length] in names for length in range(1, len(hit.name) + 1))


def _leak(turn: int, text: str, seen: _Seen, hit: _Hit, kind: str) -> Leak:
    start, end = seen.places[hit.start], seen.places[hit.end - 1] + 1
    return Leak(turn, start, end, text[start:end], kind)


# ---- reading a text as it looks


@dataclass(frozen=True)
class _Seen:
    """A text as it looks, its small letters, and for each character its place in the original."""

    text: str
    lower: str
    places: list[int]


_LOOKALIKES = str.maketrans(
    "АВЕЅZНІЈКМNОРСТХҮаеіјорсѕухԛԝһӏɡαεικνορτυχΑΒΕΗΙΚΜΝΟΡΤΥΧΖıłøᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ’‘ʼ＇‐‑‒–−",
    "ABESZHIJKMNOPCTXYaeijopcsyxqwhlgaeiknoptuxABEHIKMNOPTYXZiloabcdefghijklmnoprstuvwyz''''-----",
)
_SIMPLIFIED = str.maketrans(
    "義問開發訓練創語騰訊華為智譜團隊這裡個隻種製造設計構建類應認識叫稱號實際來雲歐書萬豐達摩業學習機導對話務產員麼們請於與現當並說傳統顯驗據騰陽達網環馬遜軟蘋谷歌",
    "义问开发训练创语腾讯华为智谱团队这里个只种制造设计构建类应认识叫称号实际来云欧书万丰达摩业学习机导对话务产员么们请于与现当并说传统显验据腾阳达网环马逊软苹谷歌",
)
_DROPPED = "*`~\u115f\u1160\u3164\uffa0\u2800"


@lru_cache(maxsize=20_000)
def _as_seen(char: str) -> str:
    """How a character looks: "" for what cannot be seen, " " for any blank."""
    if char in _DROPPED or unicodedata.category(char) in ("Cf", "Mn", "Me", "Cc", "Cs") and not char.isspace():
        return ""
    if unicodedata.category(char) == "Co":  # nobody's letters; the patterns use some of them for names
        return "?"
    if char.isspace():
        return "\n" if char in "\n\r\u2028\u2029" else " "
    plain = unicodedata.normalize("NFKD", char.translate(_LOOKALIKES)).translate(_LOOKALIKES).translate(_SIMPLIFIED)
    kept = "".join(" " if one.isspace() else one for one in plain if unicodedata.category(one) not in ("Mn", "Me"))
    return "".join(one if len(one.lower()) == 1 else "?" for one in kept)


def _read(text: str) -> _Seen:
    """The text as it looks: a lone line break is a blank, several are a break, blanks stand alone."""
    seen: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for one in char if "!" <= char <= ")" or "+" <= char <= "_" or "a" <= char <= "}" else _as_seen(char):
            last = seen[-1] if seen else "\n"
            if one == "\n" and last in " \v\n":
                seen[-1:] = ["\n" if last != " " else "\v"]
            elif one == "\n":
                seen.append("\v")
                places.append(place)
            elif one != " " or last not in " \v\n":
                seen.append(one)
                places.append(place)
    if len(seen) > len(places):  # a break before anything else
        places.insert(0, 0)
    whole = "".join(seen).replace("\v", " ")
    return _Seen(whole, whole.lower(), places)


# ---- names in a text

Tokens = tuple[str, ...]
_TOKEN = re.compile(r"[a-z]+|[0-9]+|[\u4e00-\u9fff]|▇+")
_JOINS = ("", " ", "-", "_", ".", "/", "·", ":")
_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class _Known:
    name: Tokens
    is_maker: bool
    is_word: bool


_Names = dict[str, list[_Known]]
"""All names, longest first, by their first token."""


@dataclass(frozen=True)
class _Hit:
    """A name in a text as it looks, with what belongs to it: from `start` to before `end`."""

    name: Tokens
    start: int
    end: int
    is_maker: bool
    counts: bool


def _tokens(word: str) -> Tokens:
    return tuple(_TOKEN.findall(_read(word).lower))


def _table(text: str) -> list[Tokens]:
    return [_tokens(word) for word in text.replace("\n", " ").split("|") if word.strip()]


_COINED = set(_table(ASSISTANTS))
_TIERS, _GENERIC = set(TIERS.split()), set(GENERIC.split())
_WORDS = set(COMMON_WORDS.split()) | _TIERS | _GENERIC | {name[0] for name in _table(ASSISTANTS_LIKE_WORDS)}
_WORDS |= {name[0] for name in _table(MAKERS) if len(name) == 1}


@lru_cache(maxsize=16)
def _names(identities: tuple[Identity, ...]) -> _Names:
    known: dict[Tokens, _Known] = {}
    for text, is_maker, is_word in (
        (MAKERS, True, False),
        (ASSISTANTS_LIKE_WORDS, False, True),
        (ASSISTANTS, False, False),
    ):
        known |= {name: _Known(name, is_maker, is_word) for name in _table(text)}
    for one in identities:
        for word in one.makers:
            name = _tokens(word)
            if _is_usable(name):
                known.setdefault(name, _Known(name, is_maker=True, is_word=not _is_distinct(name)))
    for one in identities:
        for word in one.words:
            name = _tokens(word)
            if _is_usable(name) and (name not in known or known[name].is_maker):
                known[name] = _Known(name, is_maker=False, is_word=not _is_distinct(name))
    table: _Names = {}
    for entry in sorted(known.values(), key=lambda entry: -len(entry.name)):
        table.setdefault(entry.name[0], []).append(entry)
    return table


def _is_usable(name: Tokens) -> bool:
    """Whether it can be somebody's name: more than a number, a letter or words that name nothing."""
    return len("".join(name)) > 1 and any(
        not token.isdigit() and token not in _GENERIC and token[0] != "▇" for token in name
    )


@lru_cache(maxsize=5000)
def _is_distinct(name: Tokens) -> bool:
    """Whether a text that has this name in it can hardly mean anything else."""
    if not _is_usable(name):
        return False
    if name in _COINED:
        return True
    han = sum(1 for token in name if _HAN.match(token))
    if han:
        return han >= SHORTEST_HAN
    telling = [token for token in name if not token.isdigit() and token not in _GENERIC and token not in _TIERS]
    coined = any(
        len(token) >= SHORTEST and token not in _WORDS and token.removesuffix("s") not in _WORDS for token in telling
    )
    numbered = any(token.isdigit() for token in name) and any(len(token) > 1 for token in telling)
    return coined or numbered or any((token,) in _COINED for token in telling)


@lru_cache(maxsize=2000)
def _distinct_names(identity: Identity) -> tuple[Tokens, ...]:
    """The names of a model that tell it wherever they stand."""
    return tuple(name for name in map(_tokens, identity.words) if _is_distinct(name))


def _hits(seen: _Seen, known: _Names) -> list[_Hit]:
    """The names in a text, from left to right, the longest at each place; what follows a name and belongs to it is in it."""
    lower = seen.lower
    spans = [match.span() for match in _TOKEN.finditer(lower)]
    found, at = [], 0
    while at < len(spans):
        entry = next(
            (entry for entry in known.get(lower[slice(*spans[at])], ()) if _is_at(entry, at, spans, lower)), None
        )
        if entry is None:
            at += 1
            continue
        after = at + len(entry.name)
        last = _tail(after, spans, seen) - 1
        start, end = spans[at][0], spans[last][1]
        found.append(_Hit(entry.name, start, end, entry.is_maker, _may_count(entry, start, end, seen)))
        at = last + 1
    return found


def _is_at(entry: _Known, at: int, spans: Sequence[tuple[int, int]], lower: str) -> bool:
    """Whether this name begins at token `at`: its tokens close together, no letter or digit of its script before or after."""
    end = at + len(entry.name)
    if end > len(spans):
        return False
    for number, token in enumerate(entry.name):
        start, stop = spans[at + number]
        if lower[start:stop] != token or (number and lower[spans[at + number - 1][1] : start] not in _JOINS):
            return False
    start, stop = spans[at][0], spans[end - 1][1]
    if _is_latin(lower[start]) and start and _is_latin(lower[start - 1]):
        return False
    return not (lower[stop - 1].isdigit() and _is_latin(lower[stop : stop + 1]))


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _tail(at: int, spans: Sequence[tuple[int, int]], seen: _Seen) -> int:
    """The token after the last that belongs to the name before token `at`: versions, sizes, tiers."""
    while at < len(spans):
        before, (start, stop) = spans[at - 1][1], spans[at]
        join, token = seen.lower[before:start], seen.lower[start:stop]
        if join not in ("", "-", "_", ".", " ") or not _is_latin(token[0]):
            break
        is_tier = token in _TIERS and (join in ("-", "_") or (join == " " and seen.text[start].isupper()))
        is_size = not join and len(token) <= 2 and seen.lower[before - 1].isdigit()
        is_letter = token == "v" or (len(token) == 1 and join in ("-", "_"))
        is_version = is_letter and seen.lower[stop : stop + 1].isdigit()
        if not (token.isdigit() or is_tier or is_size or is_version):
            break
        at += 1
    return at


_GOES_ON = re.compile(
    r"[\"')\]_]*,? (?:an? |the |your )?(?:ai\b|large |language |llm|chat|virtual |model|assistant|by |from |made |developed |trained "
    r"|created |built |designed )"
)


def _may_count(entry: _Known, start: int, end: int, seen: _Seen) -> bool:
    """Whether it can be a model's name where it stands: "Claude Monet", "llamas" and "a gemini" are none."""
    if not entry.is_word or not _is_latin(seen.lower[start]):
        return True
    after = seen.text[end : end + 3]
    if re.match(r"-[A-Za-z▇]|[ -][A-Z▇][a-z▇]", after) or re.match(r" [A-Z]\.", after):
        return False
    return not seen.text[start].islower() or bool(_GOES_ON.match(seen.lower, end))


# ---- sentences by which the writer says who it is


def _said(seen: _Seen, hits: Sequence[_Hit]) -> dict[int, str]:
    """The hits (by their number) by which the writer says its name or its maker, and which."""
    parts, owner, place, length = [], {}, 0, 0
    for number, hit in enumerate(hits):
        if not hit.counts:
            continue
        parts += [seen.lower[place : hit.start], OTHER_MAKER if hit.is_maker else MODEL]
        length += hit.start - place + 1
        owner[length - 1], place = number, hit.end
    if not owner:
        return {}
    # a covered name is one character too, so that covering the leaks of a text brings no new ones
    parts.append(seen.lower[place:])
    text, owner = _closed("".join(parts), owner)
    found: dict[int, str] = {}
    for pattern in MAKER_SAID:
        found |= {owner[match.start("n")]: MAKER for match in pattern.finditer(text)}
    for pattern in NAME_SAID:
        found |= {owner[match.start("n")]: NAME for match in pattern.finditer(text)}
    return found | _beside(text, owner, found)


def _beside(text: str, owner: dict[int, int], found: dict[int, str]) -> dict[int, str]:
    """The other names in a sentence by which the writer says who it is: "I am X, Y's newest model"."""
    ends = [match.start() for match in SENTENCE_END.finditer(text)]
    said = [at for at in sorted(owner) if owner[at] in found]
    more = {}
    for at in owner:
        if owner[at] in found:
            continue
        place = bisect_left(said, at)
        near = [one for one in said[max(place - 1, 0) : place + 1] if abs(one - at) <= NEAR]
        if any(bisect_left(ends, one) == bisect_left(ends, at) for one in near):
            more[owner[at]] = MAKER
    return more


def _closed(text: str, owner: dict[int, int]) -> tuple[str, dict[int, int]]:
    """The text with each covered name as one character, and where its names are then."""
    if MASKED * 2 not in text:
        return text, owner
    parts, moved, place, gone = [], {}, 0, 0
    names = iter(sorted(owner))
    at = next(names, None)
    for match in re.finditer(f"{MASKED}{MASKED}+", text):
        while at is not None and at < match.start():
            moved[at - gone], at = owner[at], next(names, None)
        parts += [text[place : match.start()], MASKED]
        gone += match.end() - match.start() - 1
        place = match.end()
    while at is not None:
        moved[at - gone], at = owner[at], next(names, None)
    return "".join([*parts, text[place:]]), moved
