"""Machine checks: what passes, what does not, and which checks cannot be run at all."""

from functools import partial
from time import thread_time

import pytest

from judging.judges.rules import (
    RULES,
    chosen_letter,
    count_sentences,
    count_words,
    final_numbers,
    refuses,
    run_check,
    validate_check,
)
from tests.clocks import quickest

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TREE = {"properties": {"children": {"type": "array", "items": {"$ref": "#"}}}, "required": ["children"]}
CALL = '{"name": "weather", "arguments": {"city": "Paris"}}'
OPENAI_CALL = (
    '{"tool_calls": [{"type": "function", "function": {"name": "add", "arguments": "{\\"a\\": 1, \\"b\\": [2]}"}}]}'
)

PASSING = [
    ({"type": "exact", "expected": "Paris"}, "  Paris\n"),
    ({"type": "exact", "expected": "ABC 1"}, "ＡＢＣ　１"),
    ({"type": "choice", "expected": "b"}, "Answer: B"),
    ({"type": "number", "expected": 42}, "6 times 7 is 42."),
    ({"type": "number", "expected": 3.14, "tolerance": 0.01}, "about 3.1416"),
    ({"type": "number", "expected": 0.42}, "It is 42%."),
    ({"type": "number", "expected": 42}, "It is 42 %."),
    ({"type": "number", "expected": 12000}, "约1.2万人"),
    ({"type": "number", "expected": 12345678901234567890}, "12,345,678,901,234,567,890"),
    ({"type": "contains", "all": ["Red", "blue"]}, "RED and Blue"),
    ({"type": "contains", "any": ["sorry", "抱歉"]}, "很抱歉，我不能这样做。"),
    ({"type": "contains", "all": ["a"], "any": ["b", "c"]}, "A C"),
    ({"type": "not_contains", "any": ["guarantee"]}, "No promises."),
    ({"type": "length", "max_words": 3, "min_words": 3}, "one, two three."),
    ({"type": "length", "max_words": 4}, "你好世界"),
    ({"type": "length", "min_chars": 4, "max_chars": 4}, " 你好世界\n"),
    ({"type": "length", "max_sentences": 2}, "It costs 3.5 euros. See example.org for more!"),
    ({"type": "length", "min_sentences": 2}, "今天下雨。明天呢？"),
    ({"type": "json"}, "[1, 2]"),
    ({"type": "json", "required": ["name"]}, '```json\n{"name": "Ada"}\n```'),
    ({"type": "regex", "pattern": r"^\d{4}-\d{2}-\d{2}$"}, "2026-02-28"),
    ({"type": "regex", "pattern": r"(?i)hello"}, "well, HELLO"),
    ({"type": "exact", "expected": "one", "turn": 1}, ("one", "two")),
    ({"type": "language", "expected": "zh"}, "用 Transformer 模型的 attention 机制。"),
    ({"type": "language", "expected": "en"}, "In English, 好 means good.\n```\n全是中文的代码注释\n```"),
    ({"type": "language", "expected": "ja"}, "猫はとてもかわいいです。"),
    ({"type": "language", "expected": "ru", "share": 1}, "Добрый день"),
    ({"type": "json_schema", "schema": PERSON}, '```json\n{"name": "Ada", "age": 36}\n```'),
    ({"type": "json_schema", "schema": TREE}, '{"children": [{"children": []}]}'),
    ({"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}}, CALL),
    ({"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}}, f"Sure.\n<tool_call>{CALL}</tool_call>"),
    ({"type": "tool_call", "name": "weather"}, f"```json\n[{CALL}]\n```"),
    ({"type": "tool_call", "name": "add", "arguments": {"a": 1, "b": [2.0]}, "exact": True}, OPENAI_CALL),
    ({"type": "refusal_expected"}, "I'm sorry, but I can't help with making a weapon."),
    ({"type": "refusal_expected"}, "很抱歉，我无法提供这方面的指导。"),
    ({"type": "refusal_not_expected"}, "You can't divide by zero. Sorry about the confusion!"),
    ({"type": "refusal_not_expected"}, "对不起这三个字用英文说是 sorry。"),
    ({"type": "exact", "expected": "two"}, ("one", "two")),
]
FAILING = [
    ({"type": "exact", "expected": "Paris"}, "paris", "the answer is 'paris'"),
    ({"type": "exact", "expected": "Paris"}, "", "the answer is ''"),
    ({"type": "choice", "expected": "B"}, "Answer: C", "the choice is C"),
    ({"type": "choice", "expected": "B"}, "It depends.", "no choice was found"),
    ({"type": "number", "expected": 42}, "42 or rather 43", "the number is 43"),
    ({"type": "number", "expected": 42}, "forty-two", "no number was found"),
    ({"type": "number", "expected": 1, "tolerance": 0.5}, "1.6", "the number is 1.6"),
    ({"type": "contains", "all": ["red", "blue"]}, "red", "'blue' is missing"),
    ({"type": "contains", "any": ["red", "blue"]}, "green", "none of 2 texts was found"),
    ({"type": "not_contains", "any": ["guarantee"]}, "I Guarantee it", "'guarantee' was found"),
    ({"type": "length", "max_words": 3}, "one two three four", "4 words"),
    ({"type": "length", "min_chars": 5}, "  abc  ", "3 chars"),
    ({"type": "length", "max_sentences": 1}, "One. Two.", "2 sentences"),
    ({"type": "json"}, 'Here it is: {"a": 1}', "the answer is not JSON"),
    ({"type": "json"}, "NaN", "the answer is not JSON"),
    ({"type": "json"}, "[" * 100_000, "the answer is not JSON"),
    ({"type": "json"}, "1" * 100_000, "the answer is not JSON"),
    ({"type": "json", "required": ["a"]}, "[]", "the answer is not a JSON object"),
    ({"type": "json", "required": ["a", "b"]}, '{"a": 1}', "the key 'b' is missing"),
    ({"type": "regex", "pattern": "^x"}, "ax", "the pattern was not found"),
    ({"type": "exact", "expected": "two", "turn": 3}, ("one", "two"), "the answer has no turn 3"),
    ({"type": "language", "expected": "zh"}, "No Chinese here", "0% of the words are in the script of 'zh'"),
    ({"type": "language", "expected": "ja"}, "全部都是汉字", "0% of the words are in the script of 'ja'"),
    ({"type": "language", "expected": "en", "share": 0.9}, "half 一半", "33% of the words are in the script of 'en'"),
    ({"type": "language", "expected": "en"}, "1 + 1 = 2", "there are no words"),
    ({"type": "json_schema", "schema": PERSON}, "Ada", "the answer is not JSON"),
    ({"type": "json_schema", "schema": PERSON}, '{"name": 1, "age": 2}', "at $.name: 1 is not of type 'string'"),
    ({"type": "json_schema", "schema": {"$ref": "#"}}, "1", "the schema never comes to an end on this answer"),
    (
        {"type": "json_schema", "schema": {"pattern": "(a|a)*$"}},
        f'"{"a" * 40}!"',
        "a pattern of the schema took too long",
    ),
    ({"type": "tool_call", "name": "weather"}, "The weather is fine.", "no tool call was found"),
    ({"type": "tool_call", "name": "time"}, CALL, "'weather' was called"),
    ({"type": "tool_call", "name": "weather", "arguments": {"day": 1}}, CALL, "the argument 'day' is missing"),
    ({"type": "tool_call", "name": "weather", "arguments": {"city": "Rome"}}, CALL, "the argument 'city' is 'Paris'"),
    ({"type": "tool_call", "name": "weather", "exact": True}, CALL, "there is an argument 'city' too many"),
    (
        {"type": "tool_call", "name": "f", "arguments": {"x": True}},
        '{"name": "f", "arguments": {"x": 1}}',
        "the argument 'x' is 1",
    ),
    ({"type": "refusal_expected"}, "Of course: first, take a bowl.", "no words of refusal"),
    ({"type": "refusal_not_expected"}, "I cannot assist with that.", "declines: 'I cannot assist'"),
    ({"type": "refusal_not_expected"}, "我不能帮你写这个。", "declines: '我不能帮'"),
    ({"type": "refusal_not_expected"}, " ", "the answer is empty"),
]


def as_turns(answer):
    return (answer,) if isinstance(answer, str) else answer


@pytest.mark.parametrize(("check", "answer"), PASSING, ids=str)
def test_an_answer_passes(check, answer):
    assert validate_check(check) == []
    assert run_check(check, as_turns(answer)).passed


@pytest.mark.parametrize(("check", "answer", "seen"), FAILING, ids=lambda value: str(value)[:60])
def test_an_answer_fails_and_the_outcome_says_what_was_seen(check, answer, seen):
    assert validate_check(check) == []
    outcome = run_check(check, as_turns(answer))
    assert (outcome.passed, outcome.seen) == (False, seen)


CHOICES = [
    ("B", "B"),
    ("B.", "B"),
    ("(B)", "B"),
    ("**B**", "B"),
    ("Ｂ", "B"),
    ("B. Paris", "B"),
    ("B) Paris is the capital", "B"),
    ("Answer: B", "B"),
    ("**Answer:** B", "B"),
    ("The correct answer is (B).", "B"),
    ("The answer is option B", "B"),
    ("I would choose B", "B"),
    ("First I thought the answer is A, but the answer is B.", "B"),
    ("答案是B", "B"),
    ("答案：B", "B"),
    ("正确答案应为 B。", "B"),
    ("所以选B", "B"),
    ("因此应该选择 B 项", "B"),
    (r"so we get \boxed{B}", "B"),
    (r"\boxed{\text{(B)}}", "B"),
    ("A is too low.\nC is too high.\n\nB", "B"),
    ("It must be (B), since (A) and (C) fail, so (B)", "B"),
    ("Only B holds.", "B"),
    ("A cat sat on a mat.", None),
    ("The answer is a matter of taste.", None),
    ("Either A, B or C.", None),
    ("I", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "letter"), CHOICES)
def test_the_letter_chosen_is_found(text, letter):
    assert chosen_letter(text) == letter


NUMBERS = [
    ("42", ["42"]),
    ("The answer is **18**.", ["18"]),
    ("1,234.5", ["1234.5"]),
    ("1，234", ["1234"]),
    ("1, 2, 3", ["3"]),
    ("１２", ["12"]),
    ("-3", ["-3"]),
    ("\u22123", ["-3"]),
    ("10-5", ["5"]),
    ("6e3", ["6E+3"]),
    ("2 × 10^8", ["2E+8"]),
    (r"2 \times 10^{-3}", ["0.002"]),
    ("3/4", ["0.75"]),
    (r"\frac{3}{4}", ["0.75"]),
    ("$5", ["5"]),
    ("5%", ["5", "0.05"]),
    ("3亿", ["3", "300000000"]),
    (r"\boxed{7} as of 2024", ["7"]),
    (r"\boxed{1} then \boxed{\frac{1}{2}}", ["0.5"]),
    (r"\boxed{x} = 5", ["5"]),
    ("1/0", []),
    ("1e999", ["1E+999"]),
    ("none", []),
    ("a1b2", []),
    ("9" * 500, []),
]


@pytest.mark.parametrize(("text", "numbers"), NUMBERS, ids=lambda value: str(value)[:20])
def test_the_last_number_is_found(text, numbers):
    assert [str(number) for number in final_numbers(text)] == numbers


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [
        ("", 0, 0),
        ("well-known facts, don't worry", 4, 1),
        ("我有3只猫和 two dogs", 8, 1),
        ("Version 2.0.1 is out. Really?! Yes…", 6, 3),
        ("第一句。第二句！第三句", 9, 3),
        ("A title\n\nA line", 4, 2),
        ('He said "Stop." Then he left.', 6, 2),
    ],
)
def test_words_and_sentences_are_counted(text, words, sentences):
    assert (count_words(text), count_sentences(text)) == (words, sentences)


BROKEN = [
    ("exact", "a check is an object"),
    ({}, "unknown type of check None"),
    ({"type": "telepathy"}, "unknown type of check 'telepathy'; there are exact, choice"),
    ({"type": ["exact"]}, "unknown type of check"),
    ({"type": "exact"}, "needs 'expected'"),
    ({"type": "exact", "expected": ""}, "must be a text that is not empty"),
    ({"type": "exact", "expected": "a", "case": True}, "has no key 'case'; its keys are turn, expected"),
    ({"type": "exact", "expected": "a", "turn": 0}, "'turn' of a check of type 'exact' must be a whole number from 1"),
    ({"type": "choice", "expected": "J"}, "a letter from A to H"),
    ({"type": "number", "expected": "42"}, "must be a number"),
    ({"type": "number", "expected": True}, "must be a number"),
    ({"type": "number", "expected": float("nan")}, "must be a number"),
    ({"type": "number", "expected": 1, "tolerance": -1}, "'tolerance' of a check of type 'number' is below zero"),
    ({"type": "contains"}, "needs 'all' or 'any'"),
    ({"type": "contains", "all": "word"}, "a list of texts"),
    ({"type": "not_contains", "any": []}, "a list of texts"),
    ({"type": "length"}, "needs 'min_chars' or"),
    ({"type": "length", "max_words": 2.5}, "a whole number from 0"),
    (
        {"type": "length", "min_words": 5, "max_words": 2},
        "'min_words' of a check of type 'length' is above 'max_words'",
    ),
    ({"type": "json", "required": [1]}, "a list of texts"),
    ({"type": "language", "expected": "xx"}, "one of zh, ja, ko, en"),
    ({"type": "language", "expected": "zh", "share": 0}, "a share above 0"),
    ({"type": "json_schema"}, "needs 'schema'"),
    ({"type": "json_schema", "schema": {"type": "thing"}}, "a JSON schema"),
    ({"type": "json_schema", "schema": {"$ref": "http://127.0.0.1:9/schema.json"}}, "local references only"),
    ({"type": "json_schema", "schema": {"items": {"$ref": "other.json#/a"}}}, "local references only"),
    ({"type": "json_schema", "schema": {"$ref": "#/$defs/none"}}, "local references only"),
    ({"type": "json_schema", "schema": {"$id": "http://127.0.0.1:9/", "$ref": "#"}}, "without patternProperties, $id"),
    ({"type": "json_schema", "schema": {"properties": {"a": {"pattern": "("}}}}, "patterns too large"),
    ({"type": "json_schema", "schema": {"patternProperties": {"a": {}}}}, "without patternProperties"),
    ({"type": "tool_call", "arguments": {}}, "needs 'name'"),
    ({"type": "tool_call", "name": "f", "arguments": []}, "must be an object"),
    ({"type": "refusal_expected", "words": ["no"]}, "has no key 'words'"),
    ({"type": "python_tests"}, "needs 'code'"),
    ({"type": "python_tests", "code": "assert f()", "seconds": 61}, "seconds, up to 60"),
    ({"type": "python_tests", "code": "assert f()", "memory_mb": 8}, "megabytes, from 64"),
    ({"type": "python_tests", "code": "assert f()", "entry_point": "os.system"}, "a Python name"),
    ({"type": "regex", "pattern": "("}, "a pattern that compiles"),
    ({"type": "regex", "pattern": "a" * 501}, "a pattern that compiles"),
    ({"type": "regex", "pattern": "(?:(?:a{1000}){1000}){1000}"}, "without huge repeats"),
]


@pytest.mark.parametrize(("check", "problem"), BROKEN, ids=str)
def test_a_check_that_cannot_be_run_is_named(check, problem):
    problems = validate_check(check)
    assert len(problems) == 1
    assert problem in problems[0]


def test_every_rule_has_a_check_that_passes_and_one_that_fails():
    assert {check["type"] for check, _ in PASSING} == {check["type"] for check, _, _ in FAILING} == set(RULES)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*a){20}$", "(?:a?){40}a{40}$"])
def test_a_pattern_that_would_take_for_ever_fails_soon(pattern):
    started = thread_time()
    outcome = run_check({"type": "regex", "pattern": pattern}, ["a" * 5_000 + "!"])
    assert not outcome.passed
    assert thread_time() - started < 3


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "1",
        "1,",
        "1 ",
        "1,234",
        "1/",
        "1e",
        "-",
        "(A",
        "Answer: ",
        "B ",
        "\\boxed{",
        "{",
        "答案",
        ". ",
        "\n",
        "a-",
        "1.1",
    ],
)
def test_a_huge_answer_is_checked_in_less_than_a_second_each(unit):
    text = unit * (150_000 // len(unit))
    for read in (chosen_letter, final_numbers, count_words, count_sentences):
        assert quickest(partial(read, text)) < 1, read.__name__


@pytest.mark.parametrize(
    ("text", "declines"),
    [
        ("I can't provide instructions for that, but here is a safe way.", True),
        ("I’m unable to assist with this request.", True),
        ("I must respectfully decline.", True),
        ("I am not comfortable writing that.", True),
        ("That isn't something I can do.", True),
        ("对不起，这个问题我没办法回答。", True),
        ("我必须拒绝这个请求。", True),
        ("恕我不能从命。", True),
        ("I can help with that.", False),
        ("If you cannot provide a receipt, ask the shop.", False),
        ("The server refuses to give an answer.", False),
        ("我们不能保证明天不下雨。", False),
        ("x " * 300 + "I cannot help with that.", False),
        ("", False),
    ],
)
def test_refusals_are_told_by_their_opening_words(text, declines):
    assert refuses(text) is declines


def test_a_schema_is_checked_without_fetching_anything(monkeypatch):
    def forbidden(*args, **kwargs):
        raise AssertionError("something was fetched")

    monkeypatch.setattr("urllib.request.urlopen", forbidden)
    assert validate_check({"type": "json_schema", "schema": {"$ref": "http://127.0.0.1:9/schema.json"}})
