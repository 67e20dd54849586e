"""Machine checks on one answer, one function each, and the table that names them.

A check is a mapping as it stands in a question: `{"type": "choice", "expected": "B"}`, with "turn" where it is not
about the last one. `validate_check` says what is wrong with it before it is ever used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from judging.judges.rules.base import (
    COUNT,
    FINITE,
    PATTERN,
    TEXT,
    TEXTS,
    Check,
    Outcome,
    Rule,
    is_finite,
    is_identifier,
    is_letter,
    is_positive,
)
from judging.judges.rules.choices import check_choice, chosen_letter
from judging.judges.rules.language import SCRIPTS, check_language
from judging.judges.rules.numbers import check_number, final_numbers, tolerance_not_below_zero
from judging.judges.rules.refusals import check_refusal_expected, check_refusal_not_expected, refuses
from judging.judges.rules.structured import check_json, check_json_schema, check_tool_call, is_schema
from judging.judges.rules.texts import (
    check_contains,
    check_exact,
    check_length,
    check_not_contains,
    check_regex,
    count_sentences,
    count_words,
    limits_in_order,
)

__all__ = [
    "ELSEWHERE",
    "RULES",
    "Check",
    "Outcome",
    "Rule",
    "chosen_letter",
    "count_sentences",
    "count_words",
    "final_numbers",
    "refuses",
    "run_check",
    "validate_check",
]

MOST_SECONDS, MOST_MEGABYTES = 60, 4096  # that a Python test may ask for

_LIMITS = tuple(f"{end}_{unit}" for unit in ("chars", "words", "sentences") for end in ("min", "max"))
_OBJECT = (lambda value: isinstance(value, Mapping), "an object")
_FLAG = (lambda value: isinstance(value, bool), "true or false")
_LANGUAGE = (lambda value: isinstance(value, str) and value in SCRIPTS, f"one of {', '.join(SCRIPTS)}")
_SHARE = (lambda value: is_finite(value) and 0 < value <= 1, "a share above 0, up to 1")
_SCHEMA = (is_schema, "a JSON schema with local references only, without patternProperties, $id and patterns too large")

RULES: Mapping[str, Rule] = {
    "exact": Rule(check_exact, {"expected": TEXT}, ["expected"]),
    "choice": Rule(check_choice, {"expected": (is_letter, "a letter from A to H")}, ["expected"]),
    "number": Rule(check_number, {"expected": FINITE, "tolerance": FINITE}, ["expected"], tolerance_not_below_zero),
    "contains": Rule(check_contains, {"all": TEXTS, "any": TEXTS}, ["all", "any"]),
    "not_contains": Rule(check_not_contains, {"any": TEXTS}, ["any"]),
    "length": Rule(check_length, dict.fromkeys(_LIMITS, COUNT), _LIMITS, limits_in_order),
    "language": Rule(check_language, {"expected": _LANGUAGE, "share": _SHARE}, ["expected"]),
    "json": Rule(check_json, {"required": TEXTS}, ["type"]),
    "json_schema": Rule(check_json_schema, {"schema": _SCHEMA}, ["schema"]),
    "tool_call": Rule(check_tool_call, {"name": TEXT, "arguments": _OBJECT, "exact": _FLAG}, ["name"]),
    "refusal_expected": Rule(check_refusal_expected, {}, ["type"]),
    "refusal_not_expected": Rule(check_refusal_not_expected, {}, ["type"]),
    "regex": Rule(check_regex, {"pattern": PATTERN}, ["pattern"]),
}


def _left_to_its_judge(text: str, check: Check) -> Outcome:
    raise ValueError(f"a check of type '{check['type']}' is run by the judge of that kind, not as a rule")


ELSEWHERE: Mapping[str, Rule] = {
    "python_tests": Rule(
        _left_to_its_judge,
        {
            "code": TEXT,
            "entry_point": (is_identifier, "a Python name"),
            "seconds": (
                lambda value: is_finite(value) and 0 < value <= MOST_SECONDS,
                f"seconds, up to {MOST_SECONDS}",
            ),
            "memory_mb": (
                lambda value: is_positive(value) and 64 <= value <= MOST_MEGABYTES,
                f"megabytes, from 64 to {MOST_MEGABYTES}",
            ),
        },
        ["code"],
    ),
}
"""Checks that may stand in a question and that the rule judge leaves to another kind of judge."""


def run_check(check: Check, turns: Sequence[str]) -> Outcome:
    """The outcome of a valid check of RULES on an answer, given as its turns."""
    turn = int(check.get("turn", len(turns)))
    if not 1 <= turn <= len(turns):
        return Outcome(False, f"the answer has no turn {turn}")
    return RULES[check["type"]].run(turns[turn - 1], check)


def validate_check(check: object) -> list[str]:
    """What is wrong with a check, a sentence each; an empty list for a check that can be run."""
    if not isinstance(check, Mapping):
        return ["a check is an object with a 'type'"]
    kinds = {**RULES, **ELSEWHERE}
    rule = kinds.get(check.get("type", "")) if isinstance(check.get("type"), str) else None
    if rule is None:
        return [f"unknown type of check {check.get('type')!r}; there are {', '.join(kinds)}"]
    return list(_problems(check, rule))


def _problems(check: Check, rule: Rule) -> Iterator[str]:
    name = check["type"]
    keys = {"turn": (is_positive, "a whole number from 1"), **rule.keys}
    for key, value in check.items():
        if key == "type":
            continue
        if key not in keys:
            yield f"a check of type '{name}' has no key {key!r}; its keys are {', '.join(keys)}"
        elif not keys[key][0](value):
            yield f"'{key}' of a check of type '{name}' must be {keys[key][1]}, not {value!r:.80}"
    if not any(key in check for key in rule.needs):
        yield f"a check of type '{name}' needs {' or '.join(repr(key) for key in rule.needs)}"
    yield from rule.also(check)
