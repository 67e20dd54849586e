"""Rows written as they are: what Django would have written of each, with little work for it."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group
from django.db import DataError, IntegrityError, models, transaction

from arena import inserting
from arena.inserting import insert_rows
from judging.judges.base import OK, Verdict
from judging.models import Preference
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows() -> list[Preference]:
    battles = [make.battle(question) for question in make.answered(make.benchmark(), "Ash", "Elm", questions=12)]
    where = {"judge": make.judge(), "rubric": make.rubric(), "run": None, "provenance": "real"}
    said = Verdict(
        OK,
        value=2.0,
        scores={"depth": 1.0},
        reply="tab\tand \\ and {} %s\n\\.\n谁?",
        prompt=({"role": "user", "content": '"a"\t\\N\n'},),
        details={"finish": ["stop"]},
        asked=1,
        seconds=1.0,
    )
    return [Preference.record(said, battle=battle, swapped=bool(n % 2), **where) for n, battle in enumerate(battles)]


def on_record() -> list[dict]:
    return [{**row, "id": None} for row in Preference.objects.order_by("battle").values()]


def test_a_row_is_what_bulk_create_would_have_made_of_it(rows):
    rows[0].tokens_in, rows[0].seconds = "12", 3
    with transaction.atomic():
        insert_rows(rows)
    ours = on_record()
    Preference.objects.all().delete()
    Preference.objects.bulk_create(rows)
    assert ours == on_record() and len(ours) == 12 and ours[0]["tokens_in"] == 12


@pytest.mark.parametrize("text", ["a/b\x7f\b\f\n\u2028", "谁 😀", "half: \ud800", '"\\', ""])
def test_json_is_written_in_ascii_as_django_writes_it(text):
    value = [{"text": text, text or "n": [1.5, None, True, 2**70, 1e-7]}]
    written = inserting._json_text(value)
    assert written.isascii() and json.loads(written) == value
    assert json.dumps(text) in written


def test_a_field_prepares_only_what_does_not_go_as_it_is(rows, monkeypatch):
    prepare, prepared = models.Field.get_db_prep_save, []

    def noted(field, value, connection):
        prepared.append(field.name)
        return prepare(field, value, connection)

    monkeypatch.setattr(models.Field, "get_db_prep_save", noted)
    with transaction.atomic():
        insert_rows(rows[:1])
    assert sorted(prepared) == ["created_at"]


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("tokens_in", -1, IntegrityError),
        ("tokens_in", 2**70, (OverflowError, DataError)),
        ("tokens_in", "many", ValueError),
        ("value", 3.0, IntegrityError),
    ],
)
def test_what_is_refused_is_an_error_that_django_knows_and_nothing_is_written(rows, name, value, error):
    setattr(rows[7], name, value)
    with pytest.raises(error), transaction.atomic():
        insert_rows(rows)
    assert not Preference.objects.exists()


def test_a_table_with_a_field_that_fills_itself_in_is_refused(monkeypatch):
    monkeypatch.setattr(Group._meta.get_field("name"), "auto_now", True, raising=False)
    with pytest.raises(TypeError, match="filled in"):
        insert_rows([Group(name="cooks")])
