"""Ids that a query is given, more than a database has variables."""

from __future__ import annotations

import pytest

from arena.listing import is_listed, listed
from arena.models import Category

pytestmark = pytest.mark.django_db
MANY = 300_000  # of which SQLite takes 250,000 as variables


@pytest.fixture
def found():
    some = [Category.objects.create(key=key, name_en=key) for key in ("maths", "prose", "chat")]
    return some[:2], some[2], [some[0].pk, some[1].pk, *range(10**9, 10**9 + MANY)]


def test_rows_are_found_by_any_number_of_ids(found):
    wanted, other, ids = found
    assert list(Category.objects.filter(pk__in=listed(ids)).order_by("pk")) == wanted
    assert list(Category.objects.filter(is_listed(Category, ids)).order_by("pk")) == wanted
    assert other in Category.objects.exclude(pk__in=listed(ids))
    assert not Category.objects.exclude(pk__in=listed(ids)).filter(pk__in=[one.pk for one in wanted]).exists()


def test_no_ids_are_no_rows(found):
    assert not Category.objects.filter(pk__in=listed([])).exists()
    assert Category.objects.exclude(pk__in=listed([])).count() == Category.objects.count()
