"""Why a run failed, on its page: a sentence in the reader's language, and nothing that is named only in our code."""

from __future__ import annotations

import httpx2
import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.translation import override

from arena.chat import ChatError, Endpoint
from arena.chat.errors import chat_error, status_error
from arena.keys import NoKey, key_of
from arena.models import LanguageModel
from judging import failing
from judging.models import TryOut
from judging.purse import Purse, Spent
from tests.judging import recorded as make

KEYLESS = LanguageModel(name="Finch", provider="openai", key_env="FINCH_KEY")


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("FINCH_KEY", raising=False)


def in_chinese(error: str) -> str:
    with override("zh-hans"):
        return failing.in_words(error)


def no_key(model: LanguageModel = KEYLESS) -> str:
    with pytest.raises(NoKey) as caught:
        key_of(model)
    return str(caught.value)


def of_endpoints() -> list[ChatError]:
    endpoint = Endpoint("openai", "gpt", base_url="http://host/v1")
    return [
        chat_error(httpx2.UnsupportedProtocol("no scheme"), endpoint),
        status_error(301, None, endpoint, {"location": "https://other.example"}),
    ]


def test_a_missing_key_is_kept_in_english_whatever_language_is_active():
    with override("zh-hans"):
        told = no_key()
    assert told.startswith(
        "model Finch: The environment variable FINCH_KEY, which holds its key, is not set. Set it where"
    )
    assert in_chinese(told).startswith("模型 Finch：存放其密钥的环境变量 FINCH_KEY 没有设置。请在")
    assert failing.in_words(told) == told


@pytest.mark.parametrize("held", [{"OTHER": {"a.example"}}, {"FINCH_KEY": {"a.example", "b.example"}}])
def test_a_key_that_is_withheld_is_told_in_chinese_too(settings, held):
    settings.KEYS = held
    assert in_chinese(no_key()).startswith("模型 Finch：管理员")
    assert "属于本站自身" in in_chinese(no_key(LanguageModel(name="m", key_env="JURYROOM_SECRET")))


def test_a_run_that_failed_before_names_no_field_of_ours_either():
    told = "model k: the environment variable K_2 is not set (field key_env)"
    assert failing.in_words(told).startswith(
        "model k: The environment variable K_2, which holds its key, is not set. Set"
    )
    assert in_chinese(told).startswith("模型 k：存放其密钥的环境变量 K_2 没有设置。")


def test_an_address_that_is_none_is_told_without_the_name_of_our_field():
    wrong, redirected = map(str, of_endpoints())
    assert "base_url" not in wrong + redirected
    assert in_chinese(f"judge a: {wrong}") == "评审 a：gpt at host: 其基础网址不是有效的网址：no scheme"
    assert in_chinese(redirected).endswith("它重定向到 https://other.example；请把该网址填为其基础网址")


def test_several_reasons_are_each_told_and_an_endpoints_own_words_stay():
    told = failing.AN_ANSWER % {"model": "Ash", "error": "HTTP 500: 100 % broken"}
    assert in_chinese(f"{told}; judge b: HTTP 402: pay") == (
        "一个回答失败（Ash：HTTP 500: 100 % broken）；下次运行会重新询问; 评审 b：HTTP 402: pay"
    )
    assert in_chinese("no such model gpt: sorry") == "no such model gpt: sorry"


@pytest.mark.parametrize("purse", [Purse(5.0, spent_now=5.0), Purse(5.0, unmetered=8)])
def test_a_budget_that_stops_a_run_says_so_in_chinese(purse):
    with pytest.raises(Spent) as caught:
        purse.check()
    assert "预算" in in_chinese(str(caught.value)) and failing.in_words(str(caught.value)) == str(caught.value)


@pytest.mark.parametrize("sentence", failing.SENTENCES)
def test_every_sentence_is_found_again_with_any_values_in_it(sentence):
    names = ("name", "model", "error", "hosts", "host", "budget", "spent", "address")
    told = sentence % {"n": 3, **dict.fromkeys(names, "$1.5 (a)")}
    assert in_chinese(told) != told and failing.in_words(told) == told


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["run", "try_out"])
def test_pages_say_it_in_the_readers_language(client, what):
    client.force_login(make.person("lena", "lead"))
    if what == "run":
        row = make.run(make.benchmark(), judges=[make.judge("rules")], status="failed", error=no_key())
    else:
        row = TryOut.objects.create(status="failed", error=no_key(), by=get_user_model().objects.get(username="lena"))
    page = reverse(what, args=[row.pk])
    assert "The environment variable FINCH_KEY, which holds its key, is not set." in client.get(page).text
    client.cookies["django_language"] = "zh-hans"
    told = client.get(page).text
    assert "模型 Finch：存放其密钥的环境变量 FINCH_KEY 没有设置" in told and "which holds its key" not in told


def test_only_so_much_of_a_reason_is_looked_through_however_long_it_is():
    with override("zh-hans"):
        assert failing.in_words(failing.NOTHING) != failing.NOTHING
        late = "x" * failing.LONGEST + failing.NOTHING
        assert failing.in_words(late) == late
