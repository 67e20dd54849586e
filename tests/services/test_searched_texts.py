"""A search for words on PostgreSQL: nothing is lost by looking piece by piece, and no more is looked at than the piece."""

from __future__ import annotations

import pytest

from tests.services.test_ballot_races import place, said

pytestmark = [pytest.mark.services, pytest.mark.slow]
__all__ = ["place"]


def test_a_search_by_pieces_finds_what_one_look_finds_and_looks_at_its_own_rows_alone(place):  # noqa: F811  the fixture
    assert said(place, "searched_texts") == {"wrong": [], "answers": 48, "looked": 40}
