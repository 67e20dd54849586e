"""Keys of endpoints: which go where, and what is said of those that do not."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from arena.keys import NoKey, key_of, why_withheld
from arena.models import LanguageModel
from arena.settings import keys_from

OPENAI = {"OPENAI_API_KEY": {"api.openai.com"}}


def model(**facts) -> LanguageModel:
    return LanguageModel(**{"name": "Ash", "provider": "openai", "key_env": "OPENAI_API_KEY", **facts})


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "two")
    monkeypatch.setenv("JURYROOM_SECRET", "three")


def test_without_the_setting_a_key_goes_where_its_model_answers(settings):
    settings.KEYS = {}
    assert key_of(model()) == key_of(model(base_url="http://localhost:8000/v1")) == "sk-one"
    assert key_of(model(key_env="")) == ""


@pytest.mark.parametrize("address", ["", "https://api.openai.com/v1", "https://API.openai.com:443/v1/"])
def test_a_key_goes_to_the_host_it_is_for(settings, address):
    settings.KEYS = OPENAI
    assert key_of(model(base_url=address)) == "sk-one"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/v1",
        "https://api.openai.com.evil.example/v1",
        "https://api.openai.com@evil.example/v1",
        "https://evil.example/api.openai.com",
        "https://evil.example#@api.openai.com",
        "https://evil.example\\.api.openai.com",
        "https://evil.example?@api.openai.com",
        "http://[::1",
        "http://api.openai.com:x/v1",
    ],
)
def test_a_key_goes_to_no_other_host_and_is_not_told(settings, address):
    settings.KEYS = OPENAI
    with pytest.raises(NoKey) as caught:
        key_of(model(base_url=address))
    assert "api.openai.com" in str(caught.value) and "sk-one" not in str(caught.value)


def test_a_host_with_a_port_is_that_port_alone(settings):
    settings.KEYS = {"OPENAI_API_KEY": {"10.0.0.3:8000"}}
    assert key_of(model(base_url="http://10.0.0.3:8000/v1")) == "sk-one"
    for address in ("http://10.0.0.3/v1", "http://10.0.0.3:8001/v1", ""):
        assert why_withheld("OPENAI_API_KEY", provider="openai", base_url=address)


def test_with_the_setting_no_other_variable_is_read(settings):
    settings.KEYS = OPENAI
    with pytest.raises(NoKey, match="lets no model use AWS_SECRET_ACCESS_KEY"):
        key_of(model(key_env="AWS_SECRET_ACCESS_KEY"))


@pytest.mark.parametrize("held", [{}, {"JURYROOM_SECRET": {"evil.example"}}])
def test_what_is_the_sites_own_is_never_sent_however_the_row_was_made(settings, held):
    settings.KEYS = held
    with pytest.raises(NoKey, match="the site's own"):
        key_of(model(key_env="JURYROOM_SECRET", base_url="https://evil.example/v1"))


def test_the_setting_is_read():
    assert keys_from("") == {}
    told = keys_from(" A_KEY@one.example , B_KEY@10.0.0.3:8000,A_KEY@Two.example,")
    assert told == {"A_KEY": {"one.example", "two.example"}, "B_KEY": {"10.0.0.3:8000"}}


@pytest.mark.parametrize(
    "text", ["A_KEY", "A_KEY=x", "sk-live-123@host/path", "A KEY@host", "A_KEY@", "A_KEY@http://host"]
)
def test_a_setting_that_is_none_is_refused_without_repeating_it(text):
    with pytest.raises(ImproperlyConfigured, match="NAME@host is meant") as caught:
        keys_from(text)
    assert text not in str(caught.value)
