"""Dicts with the words of people as keys, in templates."""

from __future__ import annotations

import pytest
from django.template import Context, Template


@pytest.mark.parametrize("said", [{"items": 4}, {"keys": 1, "values": 2}, {}, None])
def test_every_entry_is_read_whatever_it_is_called(said):
    read = Template("{% load mappings %}{% for name, value in said|pairs %}{{ name }}={{ value }};{% endfor %}")
    assert read.render(Context({"said": said})) == "".join(f"{name}={value};" for name, value in (said or {}).items())
