"""Rubrics as data and as values: every fault with its field, and the way there and back."""

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.loading.records import RubricRecord
from arena.loading.rows import Report, Row
from judging.judges.base import CASES, Case, NoRubric
from judging.judges.rubrics import (
    data_of,
    form_of,
    missing_cases,
    missing_variants,
    problems,
    rubric_data_of_template,
    text_of,
)
from judging.prompts import DEFAULT_RUBRICS, FORMS

DIMENSION = {"key": "facts", "name_en": "Facts", "name_zh": "事实", "weight": 2}
POINTS = {"base": 7, "deductions": [{"key": "wrong", "points": 2}]}
TEMPLATE = {"prompt": "{question} {answer_a} {answer_b}", "form": "[[A]]"}
BY_CASE = {
    "template": {
        "cases": [
            {"reference": "without", "turns": "single", **TEMPLATE},
            {"reference": "with", "prompt": "{ref_answer_1} {question} {answer_a} {answer_b}", "form": "[[A]]"},
            {"reference": "without", "turns": "multi", "prompt": "{question_2} {answer_a} {answer_b}", "form": "[[A]]"},
        ]
    }
}

SUPPORT = {
    "instructions_en": "Judge as somebody who has to act on it.",
    "lowest": 1,
    "highest": 5,
    "dimensions": [
        {**DIMENSION, "veto": 2, "levels": [{"mark": 1, "words_en": "wrong"}, {"mark": 5, "words_zh": "没有错误"}]},
        {"key": "brief", "weight": 1},
    ],
}
COUNTED = {
    "lowest": 0,
    "highest": 10,
    "points": {
        "base": 7,
        "floor": 1,
        "cap": 9,
        "deductions": [{"key": "made_up", "points": 2, "most": 6}, {"key": "missing", "points": 1, "quoted": False}],
        "bonuses": [{"key": "extra", "points": 1, "name_zh": "题外"}],
    },
}


# There and back


def there_and_back(data):
    """The value of the data, after being made data and JSON once more."""
    return text_of("r", json.loads(json.dumps(data_of(text_of("r", data)))))


KEYS = st.text("abcdef_", min_size=1, max_size=6)
TEXTS = st.text(max_size=12)
WORDS = st.text(min_size=1, max_size=8).filter(str.strip)
MARKS = st.integers(1, 10) | st.floats(1, 10)
SIZES = st.integers(1, 5) | st.floats(0.25, 5)


def named(extra, optional):
    names = dict.fromkeys(("name_en", "name_zh", "description_en", "description_zh"), TEXTS)
    return st.fixed_dictionaries({"key": KEYS, **extra}, optional={**names, **optional})


def listed(rows, *, least=0):
    return st.lists(rows, min_size=least, max_size=3, unique_by=lambda row: row["key"])


LEVELS = st.lists(
    st.fixed_dictionaries({"mark": MARKS, "words_en": WORDS}, optional={"words_zh": TEXTS}),
    max_size=3,
    unique_by=lambda row: float(row["mark"]),
)
DIMENSIONS = listed(named({}, {"weight": SIZES, "levels": LEVELS, "veto": st.floats(1.5, 10) | st.none()}))
KINDS = named({"points": SIZES}, {"most": SIZES | st.none(), "quoted": st.booleans()})


@st.composite
def ways_of_points(draw):
    rows = draw(listed(KINDS, least=1))
    cut = draw(st.integers(0, len(rows)))
    ends = {"floor": st.floats(1, 5) | st.none(), "cap": st.floats(5, 10) | st.none()}
    lists = {"deductions": rows[:cut], "bonuses": rows[cut:]}
    return {"base": 5, **draw(st.fixed_dictionaries({}, optional=ends)), **{k: v for k, v in lists.items() if v}}


@st.composite
def ways_of_cases(draw, templates):
    """Templates by reference, by turns, by both or by nothing."""
    named = {"reference": ("with", "without"), "turns": ("single", "multi")}
    chosen = draw(st.sets(st.sampled_from(sorted(named))))
    rows = [dict(zip(sorted(chosen), words, strict=True)) for words in product(*(named[key] for key in sorted(chosen)))]
    kept = draw(st.lists(st.sampled_from(rows), min_size=1, unique_by=repr))
    return {"cases": [{**row, **draw(templates)} for row in kept]}


@st.composite
def sayings(draw):
    """What a rubric and a variant both can say."""
    said = {"instructions_en": TEXTS, "instructions_zh": TEXTS}
    form = draw(st.sampled_from([None, *FORMS]))
    if form:
        shown = "{answer_a} {answer_b}" if FORMS[form] == "pair" else "{answer}"
        said["template"] = st.fixed_dictionaries(
            {"prompt": st.just(shown), "form": st.just(form)},
            optional={"system": WORDS.map(lambda text: text.replace("{", "("))},
        )
    if form and draw(st.booleans()):
        said["template"] = ways_of_cases(said["template"])
    said |= draw(st.sampled_from([{}, {"dimensions": DIMENSIONS}, {"points": ways_of_points()}]))
    return draw(st.fixed_dictionaries({}, optional=said))


@st.composite
def rubrics(draw):
    variants = draw(st.dictionaries(KEYS, sayings(), max_size=3))
    only = {"only_variants": draw(st.booleans())} if variants else {}
    return {**draw(sayings()), **({"variants": variants} if variants else {}), **only}


@given(rubrics())
def test_a_rubric_is_the_same_after_being_made_data_again(data):
    assert problems(data) == []
    assert there_and_back(data) == text_of("r", data)
    assert problems(data_of(text_of("r", data))) == []


@pytest.mark.parametrize("rubric", DEFAULT_RUBRICS.values())
def test_our_own_rubrics_are_data_without_problems(rubric):
    assert problems(data_of(rubric)) == []
    assert text_of(rubric.name, data_of(rubric)) == rubric


# What is said where


def test_what_has_no_name_is_called_by_its_key():
    assert text_of("r", {"dimensions": [{"key": "facts", "name_zh": "事实"}]}).dimensions[0].name == {
        "en": "facts",
        "zh": "事实",
    }


def test_a_variant_takes_from_the_rubric_what_it_does_not_say():
    rubric = text_of("r", {**SUPPORT, "variants": {"math": {"instructions_zh": "以结果为准。"}}})
    math = rubric.of("math")
    assert (math.dimensions, math.lowest, math.highest) == (rubric.dimensions, 1, 5)
    assert math.instructions == {"en": SUPPORT["instructions_en"], "zh": "以结果为准。"}
    assert (math.name, math.only_variants, dict(math.variants)) == ("r, math", False, {})


@pytest.mark.parametrize(("rubric", "variant"), [(SUPPORT, COUNTED), (COUNTED, SUPPORT)])
def test_a_variant_that_marks_in_the_other_way_marks_in_that_way_alone(rubric, variant):
    said = {name: variant[name] for name in ("dimensions", "points") if name in variant}
    data = {**rubric, "lowest": 0, "highest": 10, "variants": {"math": said}}
    assert problems(data) == []
    math = there_and_back(data).of("math")
    assert (bool(math.dimensions), bool(math.points)) == ("dimensions" in said, "points" in said)


@pytest.mark.parametrize("way", [{"dimensions": []}, {"points": None}, {"template": None}, {"template": {}}])
def test_a_variant_can_do_without_what_the_rubric_has(way):
    data = {"dimensions": [DIMENSION], "template": TEMPLATE, "variants": {"math": way}}
    math = there_and_back(data).of("math")
    if "template" in way:
        assert (math.template, len(math.dimensions)) == (None, 1)
    else:
        assert (math.dimensions, math.template) == ((), text_of("r", data).template)


def test_a_variant_judges_all_that_it_is_asked_for():
    rubric = text_of("r", {**SUPPORT, "only_variants": True, "variants": {"math": {}}})
    assert (rubric.of("math").only_variants, rubric.of("math").dimensions) == (False, rubric.dimensions)


def test_a_category_without_a_variant_is_judged_by_the_rubric_unless_only_variants_are():
    data = {**SUPPORT, "variants": {"math": {}, "code": {}}}
    assert text_of("r", data).of("poems").name == "r"
    with pytest.raises(NoRubric, match="rubric r has nothing for the category 'poems'; it has code, math"):
        text_of("r", {**data, "only_variants": True}).of("poems")


def test_missing_variants_are_named_once_each_in_their_order():
    wanted = ["poems", "math", "", "poems", "code"]
    data = {"variants": {"math": {}}}
    assert missing_variants(text_of("r", data), wanted) == []
    assert missing_variants(text_of("r", {**data, "only_variants": True}), wanted) == ["poems", "", "code"]


# Templates for cases


def test_a_template_that_says_less_is_for_more_cases_and_a_case_without_one_has_none():
    rubric = text_of("r", BY_CASE)
    shown = {case: one.template.prompt.split()[0] for case, one in rubric.cases.items()}
    single, multi = Case(False, False), Case(False, True)
    assert shown == {single: "{question}", multi: "{question_2}"} | {Case(True, n): "{ref_answer_1}" for n in (0, 1)}
    fewer = text_of("r", {"template": {"cases": BY_CASE["template"]["cases"][:2]}})
    assert fewer.of_case(single).template and text_of("r", SUPPORT).of_case(multi).template is None
    with pytest.raises(
        NoRubric, match="r has no template for several turns without a reference; it has some for a sin"
    ):
        fewer.of_case(multi)


def test_a_variant_has_the_rubrics_templates_beside_its_own_words_or_others_in_their_place():
    variants = {"maths": {"instructions_en": "Count."}, "code": {"template": TEMPLATE}, "poems": {"template": {}}}
    rubric = there_and_back({**BY_CASE, "variants": variants})
    assert all(one.instructions == {"en": "Count."} for one in rubric.of("maths").cases.values())
    assert (rubric.of("code").template.prompt, dict(rubric.of("code").cases)) == (TEMPLATE["prompt"], {})
    assert (rubric.of("poems").template, dict(rubric.of("poems").cases)) == (None, {})


def test_missing_templates_are_named_by_category_and_case():
    fewer = {"template": {"cases": BY_CASE["template"]["cases"][:2]}}
    rubric = text_of("r", {**fewer, "variants": {"code": {"template": TEMPLATE}}})
    wanted = [(category, case) for category in ("maths", "code") for case in (*CASES, *CASES)]
    assert missing_cases(rubric, wanted) == [("maths", Case(False, True))]
    assert missing_cases(text_of("r", SUPPORT), wanted) == []


# Published prompts


def published(**fields):
    told = {
        "row": Row(Path("prompts.jsonl"), 1, {}, Report()),
        "name": "p",
        "prompt": "{question} {answer_a} {answer_b}",
        "form": "[[A]]",
        "categories": ("general",),
    }
    return rubric_data_of_template(RubricRecord(**{**told, **fields}))


@pytest.mark.parametrize("categories", [("general",), ("",), ("general", ""), ()])
def test_a_published_prompt_for_all_categories_is_a_template(categories):
    data = published(categories=categories, system="You compare.", description="From a paper")
    assert problems(data) == []
    rubric = text_of("p", data)
    assert rubric.of("anything").template.system == "You compare."
    assert (data["title_en"], dict(rubric.variants)) == ("From a paper", {})


def test_a_published_prompt_for_some_categories_judges_no_others():
    data = published(categories=("math", "code"))
    assert problems(data) == []
    rubric = text_of("p", data)
    assert rubric.of("math").template == rubric.of("code").template
    assert missing_variants(rubric, ["math", "poems"]) == ["poems"]
    with pytest.raises(NoRubric):
        rubric.of("general")


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("[[A]]", "[[A]]"),
        ("[[rating_a, rating_b]]", "[[rating_a,rating_b]]"),
        (" [[rating]]\n", "[[rating]]"),
        ("[{'model': <name>, 'rank': <rank>}, {'model': <name>, 'rank': <rank>}]", "ranks"),
        ('[{"model": 1, "rank" : 2}]', "ranks"),
    ],
)
def test_a_form_has_one_name_however_it_was_published(said, form):
    assert form_of(said) == form
    assert form in FORMS
