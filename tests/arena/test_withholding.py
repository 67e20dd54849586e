"""What looks like a secret: by name, by the text itself, however deep; and what only sounds like one."""

from __future__ import annotations

import pytest

from arena.withholding import is_secret_in_address, is_variable_name, secret_paths, spelled, without_secrets


def found(value) -> list[str]:
    return [spelled(path) for path in secret_paths(value)]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"api_key": "x"}, "api_key"),
        ({"apiKey": "x"}, "apiKey"),
        ({"X-Api-Key": "x"}, "X-Api-Key"),
        ({"password": 1234}, "password"),
        ({"openai_key": "x"}, "openai_key"),
        ({"sessionToken": "x"}, "sessionToken"),
        ({"extra_headers": {"x": "y"}}, "extra_headers"),
        ({"extra": [{"Authorization": "x"}]}, "extra[0].Authorization"),
        ({"extra_body": {"auth": {"client_secret": "x"}}}, "extra_body.auth.client_secret"),
        ({"user": "sk-proj-abcdefghijklmnop"}, "user"),
        ({"stop": ["END", "hf_abcdefghijklmnopqrst"]}, "stop[1]"),
        ({"metadata": {"note": "Bearer abcdefgh"}}, "metadata.note"),
    ],
)
def test_a_secret_is_found_where_it_is(options, path):
    assert found({"temperature": 0, **options}) == [path]
    assert path.split(".")[-1].split("[")[0] not in str(without_secrets(options)) or "stop" in path
    assert without_secrets({"temperature": 0, **options})["temperature"] == 0
    assert not secret_paths(without_secrets(options))


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": 300, "temperature": 0.5, "stop": ["END"], "seed": 1, "logit_bias": {"50256": -100}},
        {"prompt_cache_key": "juryroom", "eos_token": "</s>", "stop_token_ids": [1, 2]},
        {"extra_body": {"guided_json": {"properties": {"key": {"type": "string"}}}, "top_k": 5}},
        {"skip_special_tokens": True, "sampling": {"temperature": 0}, "language": "zh"},
        {},
    ],
)
def test_what_a_model_is_really_asked_with_is_no_secret(options):
    assert found(options) == [] and without_secrets(options) == options


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "_KEY", "K2", "A" * 80])
def test_the_name_of_a_variable_is_in_capitals(name):
    assert is_variable_name(name)


@pytest.mark.parametrize(
    "text", ["sk-123", "sk_abcdefghijklmnop", "abcdef0123456789", "Key", "2KEYS", "A" * 81, "AKIAIOSFODNN7EXAMPLE", "A B", ""]
)  # fmt: skip
def test_a_key_is_no_name_of_a_variable(text):
    assert not is_variable_name(text)


def test_an_address_may_carry_no_password_and_no_key():
    assert is_secret_in_address("https://me:sesame@host/v1") and is_secret_in_address("https://host/v1?api-key=sesame")
    for address in ("https://host:8000/v1?api-version=2024", "http://[::1", ""):
        assert not is_secret_in_address(address)
