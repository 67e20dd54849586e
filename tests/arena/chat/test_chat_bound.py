"""Replies filled in by choosing, with likelihoods that are made up."""

import json

import pytest

from arena.chat.bound import NotBound, choices, fill


def of(**properties):
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def preferring(*wanted):
    """Likelihoods of a model that wants these values, in this order; it records what it was asked."""
    asked = []

    def likelihoods(begun, endings):
        asked.append((begun, list(endings)))
        return [0.0 if ending.rstrip("}, ") == wanted[len(asked) - 1] else -1.0 for ending in endings]

    return likelihoods, asked


def test_keys_are_filled_one_by_one_after_what_was_chosen_before():
    likelihoods, asked = preferring('"B"', "10")
    schema = of(verdict={"enum": ["A", "B"]}, score={"type": "integer", "minimum": 9, "maximum": 10})
    assert fill(schema, likelihoods) == '{"verdict": "B", "score": 10}'
    assert asked == [
        ('{"verdict": ', ['"A", ', '"B", ']),
        ('{"verdict": "B", "score": ', ["9}", "10}"]),
    ]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ({"enum": ["A", "乙", 'a"b']}, ["A", "乙", 'a"b']),
        ({"const": "A"}, ["A"]),
        ({"type": "boolean"}, [True, False]),
        ({"type": "integer", "minimum": -1, "maximum": 1}, [-1, 0, 1]),
        ({"type": "number", "minimum": 0, "maximum": 1}, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        ({"type": "number", "minimum": 1, "maximum": 3.5}, [1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5]),
        ({"enum": [None, 1.5]}, [None, 1.5]),
    ],
)
def test_the_values_of_a_key_are_all_that_its_schema_allows(form, values):
    (choice,) = choices(of(key=form))
    assert [json.loads(value) for value in choice.values] == values


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "array"},
        of(),
        of(why={"type": "string"}),
        of(score={"type": "integer", "minimum": 1}),
        of(score={"type": "number"}),
        of(score={"type": "integer", "minimum": 0, "maximum": 101}),
        of(score={"type": "integer", "minimum": 2, "maximum": 1}),
        of(verdict={"enum": []}),
        of(verdict={"enum": "AB"}),
        of(verdict={"enum": [{"a": 1}]}),
        of(points={"type": "array", "items": {"type": "string"}}),
        of(key=True),
    ],
)
def test_what_cannot_be_filled_by_choosing_is_an_error(schema):
    with pytest.raises(NotBound):
        choices(schema)


def test_of_equals_the_first_is_taken():
    assert fill(of(verdict={"enum": ["A", "B"]}), lambda begun, endings: [-1.0, -1.0]) == '{"verdict": "A"}'
