"""A rubric as a form and as text, and saved by two leads at once: nothing is lost, and a used one never changes."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from judging.editing_rubrics import Base, Meanwhile, NameTaken, create, newest_of, save, use_of
from judging.judges.rubrics import BadRubric, data_of, problems, text_of
from judging.models import Rubric
from judging.prompts import DEFAULT_RUBRICS
from judging.rubric_form import Draft
from judging.rubric_rows import Drawn, Fields, Part, Rows, drawn
from judging.rubric_source import FORMATS, read, written
from tests.judging import recorded as make
from tests.judging.judges.test_rubrics import BY_CASE, COUNTED, SUPPORT, TEMPLATE, rubrics


def posted(fields: Fields) -> dict[str, str]:
    """What a browser sends of the form as it is drawn."""
    post = _boxes(fields.top) | _part(fields.part)
    for one in fields.variants:
        post[one.category.name] = one.category.value
        if one.part is None:
            post[f"{one.name}.said"] = one.said
        else:
            post |= _part(one.part) | {f"{one.name}.marks": "own" if one.marks else ""}
            post[f"{one.name}.asks"] = "own" if one.asks else ""
    return post


def _part(part: Part) -> dict[str, str]:
    boxes = _boxes([*part.instructions, *part.points, *part.template])
    for rows in (part.dimensions, *part.point_lists, part.cases):
        boxes |= _rows(rows)
    return boxes


def _rows(rows: Rows) -> dict[str, str]:
    post: dict[str, str] = {}
    for row in rows.rows:
        post |= _boxes(row.fields)
        for inner in row.lists:
            post |= _rows(inner)
    return post


def _boxes(boxes: list[Drawn]) -> dict[str, str]:
    said = {box.name: "on" if box.box.kind == "flag" else str(box.value) for box in boxes}
    return {box.name: said[box.name] for box in boxes if box.box.kind != "flag" or box.value}


def through_the_form(data: dict, *, is_open: bool = True) -> dict:
    draft = Draft.of_data(data)
    for row in draft.state["variants"]:
        row["is_open"] = is_open
    return Draft.read(posted(drawn(draft))).data()


OURS = [data_of(text) for text in (*DEFAULT_RUBRICS.values(), text_of("s", SUPPORT), text_of("c", COUNTED))]
OURS += [SUPPORT, COUNTED, {"template": TEMPLATE}, BY_CASE, {**SUPPORT, "variants": {"maths": BY_CASE, "code": {}}}]
OURS += [{"variants": {"a.b": {"dimensions": []}, "a": {"dimensions": SUPPORT["dimensions"]}}, "only_variants": True}]


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("data", OURS)
def test_a_rubric_is_the_same_after_it_went_through_the_form(data, is_open):
    again = through_the_form(data, is_open=is_open)
    assert text_of("r", again) == text_of("r", data)
    assert through_the_form(again) == again


def is_for_browsers(value) -> bool:
    """Whether a text field brings it back as it is: browsers send lines their own way, and no database takes NUL."""
    if isinstance(value, dict):
        return all(is_for_browsers(one) for one in [*value, *value.values()])
    if isinstance(value, list):
        return all(map(is_for_browsers, value))
    return not isinstance(value, str) or not set(value) & {"\r", "\0"}


@settings(max_examples=60)
@given(rubrics(), st.booleans())
def test_any_rubric_is_the_same_after_it_went_through_the_form(data, is_open):
    assume(is_for_browsers(data))
    again = through_the_form(data, is_open=is_open)
    assert text_of("r", again) == text_of("r", data)


@settings(max_examples=25)
@given(rubrics(), st.sampled_from(list(FORMATS)))
def test_any_rubric_is_the_same_after_it_was_written_and_read_again(data, how):
    assume(is_for_browsers(data))
    pasted = read(written(data, how, name="mine"))
    assert pasted.faults == ()
    assert pasted.name == "mine" and pasted.data == data


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"lowest": ""}, "lowest", "is missing"),
        ({"highest": "eleven"}, "highest", "is not a number"),
        ({"dimensions[1].key": "", "dimensions[1].name_en": "Named"}, "dimensions[1].key", "is missing"),
        ({"dimensions[0].weight": ""}, "dimensions[0].weight", "is missing"),
        ({"dimensions[0].weight": "-1"}, "dimensions[0].weight", "is below 0"),
        ({"dimensions[0].levels[0].mark": "99"}, "dimensions[0].levels[0].mark", "is outside the scale from 1 to 5"),
        ({"template.system": "Hello"}, "template.prompt", "is missing or empty"),
        ({"points.base": "3"}, "points", "has neither deductions nor bonuses"),
        ({"title_en": "x" * 201}, "title_en", "is 201 characters long; at most 200 are kept"),
        ({"variants[0].category": "", "variants[0].instructions_en": "x"}, "variants[0].category", "is missing"),
        ({"variants[0].category": "a.b", "variants[0].dimensions[0].key": "k"}, "variants[0].dimensions[0].weight", "is missing"),
    ],
)  # fmt: skip
def test_every_problem_is_told_at_its_field(change, field, message):
    post = posted(drawn(Draft.of_data(SUPPORT))) | change
    assert message in Draft.read(post).checked().errors[field]


def test_two_variants_of_one_category_are_a_problem_and_none_is_lost_from_the_form():
    post = {"lowest": "1", "highest": "5"}
    post |= {"variants[0].category": "math", "variants[0].instructions_en": "one"}
    post |= {"variants[1].category": "math", "variants[1].instructions_en": "two"}
    draft = Draft.read(post).checked()
    assert draft.errors["variants[1].category"] == ["'math' stands here twice"]
    assert [row["instructions_en"] for row in draft.state["variants"]] == ["one", "two"]


def test_buttons_add_move_and_take_away_rows():
    draft = Draft.of_data({"lowest": 1, "highest": 5, "dimensions": [{"key": "a"}, {"key": "b"}]})
    keys = lambda one: [row.get("key", "") for row in one.state["dimensions"]]  # noqa: E731
    assert keys(draft.acted("add:dimensions")) == ["a", "b", ""]
    assert keys(draft.acted("up:dimensions[1]")) == keys(draft.acted("down:dimensions[0]")) == ["b", "a"]
    assert keys(draft.acted("remove:dimensions[0]")) == ["b"]
    assert draft.acted("add:dimensions[1].levels").state["dimensions"][1]["levels"] == [{}]
    assert draft.acted("add:points.deductions").state["points"] == {"deductions": [{}]}
    assert draft.acted("add:template.cases").state["template"] == {"cases": [{"form": "[[A]]"}]}
    assert draft.acted("add:variants").state["variants"] == [{"category": "", "is_open": True}]
    assert keys(draft) == ["a", "b"]


@pytest.mark.parametrize(
    "act", ["add:nothing", "up:dimensions[9]", "remove:lowest", "add:", "down:..", "open:dimensions", "x"]
)
def test_a_button_that_names_nothing_changes_nothing(act):
    draft = Draft.of_data({"lowest": 1, "highest": 5, "dimensions": [{"key": "a"}]})
    assert draft.acted(act).state == draft.state


def test_rows_that_nobody_filled_in_are_not_saved():
    draft = Draft.of_data({"lowest": 1, "highest": 5}).acted("add:dimensions").acted("add:points.bonuses")
    assert Draft.read(posted(drawn(draft))).data() == {"lowest": 1, "highest": 5}


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("lowest: 1\nhighest: 5\ndimensions:\n- key: a\n  weight: much\n", 5, "dimensions[0].weight"),
        ("lowest: 1\nhigest: 5\n", 2, "higest"),
        ('{"lowest": 1,\n "highest": }', 2, ""),
        ("a: [1\nb: 2", 2, ""),
        ("- 1\n- 2\n", 1, ""),
        ("a: &x 1\nb: *x\n", 0, ""),
        ("", 0, ""),
    ],
)
def test_what_is_wrong_in_a_text_is_told_with_its_line_and_field(text, line, field):
    fault = read(text).faults[0]
    assert (fault.line, fault.field) == (line, field)


# --- saving

pytestmark = pytest.mark.django_db
PLAIN = {"instructions_en": "Be right.", "lowest": 1, "highest": 5}


def other(words: str) -> dict:
    return {**PLAIN, "instructions_en": words}


def test_a_rubric_that_nothing_uses_is_saved_in_place():
    first = create("mine", PLAIN)
    saved = save("mine", other("Be kind."), base=Base.of(first))
    assert (saved.pk, saved.version, saved.instructions_en) == (first.pk, 1, "Be kind.")


@pytest.mark.parametrize("used_by", ["run", "judgment", "freezing"])
def test_a_used_rubric_never_changes_and_its_next_version_is_made(used_by):
    first = create("mine", PLAIN)
    if used_by == "run":
        make.run(make.benchmark(), rubric=first, status="draft")
    elif used_by == "judgment":
        make.grade(make.answered(make.benchmark())[0].answers.first(), rubric=first)
    else:
        first.freeze()
    assert use_of(first).is_used
    saved = save("mine", other("Be kind."), base=Base.of(first))
    assert saved.version == 2 and saved.frozen_at is None
    assert Rubric.objects.get(pk=first.pk).as_data() == PLAIN


def test_saving_what_is_there_already_makes_no_version():
    first = create("mine", PLAIN)
    first.freeze()
    assert save("mine", dict(PLAIN), base=Base.of(first)) == first


def test_who_saves_second_is_told_what_the_first_wrote_and_nothing_is_lost():
    first = create("mine", PLAIN)
    first.freeze()
    base = Base.of(first)
    theirs = save("mine", other("Theirs."), base=base)
    with pytest.raises(Meanwhile) as told:
        save("mine", other("Mine."), base=base)
    assert told.value.newest == theirs
    assert save("mine", other("Mine."), base=Base.of(theirs)).instructions_en == "Mine."


def test_an_unused_version_changed_in_place_is_noticed_by_its_content():
    base = Base.of(create("mine", PLAIN))
    save("mine", other("Theirs."), base=base)
    with pytest.raises(Meanwhile):
        save("mine", other("Mine."), base=base)
    assert newest_of("mine").instructions_en == "Theirs."


def test_bad_data_are_not_saved():
    first = create("mine", PLAIN)
    with pytest.raises(BadRubric):
        save("mine", {**PLAIN, "highest": 0}, base=Base.of(first))
    with pytest.raises(NameTaken):
        create("mine", PLAIN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_frozen", [True, False])
def test_of_leads_who_save_at_the_same_moment_exactly_one_wins(is_frozen):
    first = create("mine", PLAIN)
    if is_frozen:
        first.freeze()
    base, start, told = Base.of(first), threading.Barrier(4), []

    def lead(number: int) -> None:
        start.wait(5)
        try:
            told.append(save("mine", other(f"By {number}."), base=base))
        except Meanwhile as late:
            told.append(late)
        finally:
            connections.close_all()

    leads = [threading.Thread(target=lead, args=(number,)) for number in range(4)]
    [one.start() for one in leads]
    [one.join(20) for one in leads]
    won = [one for one in told if isinstance(one, Rubric)]
    assert len(told) == 4 and len(won) == 1
    assert newest_of("mine").instructions_en == won[0].instructions_en
    assert Rubric.objects.count() == (2 if is_frozen else 1)
    assert connection.vendor in ("sqlite", "postgresql") and problems(won[0].as_data()) == []
