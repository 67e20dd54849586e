"""Which entry of the menu is marked on a page."""

from __future__ import annotations

import pytest
from django.urls import NoReverseMatch, get_resolver, reverse

from arena.frame import MENUS
from tests.judging import recorded as make

NAMED = [(menu, name) for menu, names in MENUS.items() for name in names.split()]


def test_each_address_has_one_menu_and_exists():
    names = [name for _, name in NAMED]
    assert len(names) == len(set(names))
    known = {key for key in get_resolver().reverse_dict if isinstance(key, str)}
    assert set(names) <= known


@pytest.mark.django_db
def test_the_menu_a_page_belongs_to_is_marked_and_no_other(client):
    client.force_login(make.person("lee", "lead"))
    for menu, name in NAMED:
        try:
            address = reverse(name)
        except NoReverseMatch:
            continue
        page = client.get(address)
        if page.status_code == 200:
            header = page.text.partition('<header class="site-header">')[2].partition("</header>")[0]
            assert header.count("aria-current") == 1, name
            assert page.context["menu"] == menu, name
