"""Opening a chat, and what importing the package costs."""

import subprocess
import sys

import pytest

from arena.chat import PROVIDERS, ChatError, Endpoint, open_chat


def test_every_provider_opens():
    for name in PROVIDERS:
        model = "echo" if name == "scripted" else "m"
        assert open_chat(Endpoint(name, model, "http://127.0.0.1:9", "k"))


def test_an_unknown_provider_is_named_with_the_known_ones():
    with pytest.raises(ChatError, match="'carrier-pigeon'.*openai"):
        open_chat(Endpoint("carrier-pigeon", "m"))


def test_importing_the_package_brings_no_sdk_along():
    code = "import sys, arena.chat; print(sorted({'openai', 'anthropic', 'httpx2', 'pydantic'} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
