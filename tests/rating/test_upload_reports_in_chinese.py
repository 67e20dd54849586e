"""Reports of uploads in Chinese: what is wrong with a file and what else is said of it, in the reader's language."""

from __future__ import annotations

import json
import re

import pytest
from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from arena.models import Upload
from tests.arena.test_language import visible
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
PAIR = {"question_id": 1, "model_1": "ash", "model_2": "fir", "winner": "tie", "judge": ["oak", "p"], "turn": 1}
ASKED = {"question_id": 1, "category": "tea", "turns": ["Why?"]}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(Upload._meta.get_field("file"), "storage", FileSystemStorage(location=tmp_path / "kept"))


@pytest.fixture
def lead(client):
    client.force_login(make.person("lee", "lead"))
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    return client


def report(client, name: str, content: bytes, **fields) -> str:
    """What the report of this file says, without its head."""
    told = {"name": "pantry", "version": "1", "language": "en", **fields}
    page = client.post(reverse("upload_new"), {**told, "files": [SimpleUploadedFile(name, content)]}, follow=True)
    return visible(page.text.partition('id="report"')[2].partition("<details")[0])


def lines(*rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize(
    ("name", "content", "fields", "sentence"),
    [
        ("q.jsonl", lines({"key": "q", "category": 3, "turns": ["?"]}), {}, "是整数，而不是文本"),
        ("q.jsonl", lines({"key": "q", "category": "c", "turns": "?"}), {}, "是文本，而不是列表"),
        ("q.jsonl", lines({"key": True, "category": "c", "turns": ["?"]}), {}, "是true 或 false，而不是文本或整数"),
        ("q.jsonl", b'{"key": "q",\n', {"format": "juryroom"}, "不是 JSON：第 13 列："),
        ("q.csv", b"key,category,turns\nq,tea\n", {}, "有 2 个单元格，而表头有 3 个"),
        ("q.zip", b"PK\x03\x04", {}, "是 zip 压缩包或电子表格，不是文本"),
        ("q.jsonl", lines({"output": 1}), {"format": "auto_j"}, "所针对的回答对不在这里；请与其测试数据一起载入"),
        (
            "q.json",
            b"[]",
            {"format": "alpaca_eval", "kind": "prompts"},
            "alpaca_eval 文件没有我们能读取的提示词；它们含有问题、回答、评判",
        ),
        ("s.csv", b"model,benchmark,metric,value,source\nF,x,acc,high,we\n", {}, "不是数字：'high'"),
        ("s.csv", b"model,benchmark,metric,value,source\nF,x,acc,1,we\n", {}, "没有模型 'F'；请先载入其回答或添加它"),
    ],
)
def test_what_is_wrong_is_said_in_the_readers_language(lead, name, content, fields, sentence):
    assert sentence in report(lead, name, content, **fields)


def test_notes_are_said_in_the_readers_language_and_in_english_to_others(lead):
    told = report(lead, "pairs.jsonl", lines(PAIR), kind="answers", format="mt_bench")
    assert "pairs.jsonl：评判略去；载入的是回答" in told
    lead.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    page = lead.get(reverse("upload", args=[Upload.objects.get().pk]))
    assert "pairs.jsonl: judgments are left out; answers are loaded" in visible(page.text)


def test_a_report_kept_by_an_earlier_version_is_shown_in_english_and_marked_so(lead):
    report(lead, "q.jsonl", lines({"key": "q"}))
    upload = Upload.objects.get()
    problems = [{"file": "q.jsonl", "line": 1, "item": 0, "field": "category", "problem": "is missing"}]
    upload.report = {"counts": {}, "notes": ["a note"], "problems": problems, "more": 0, "told": {}}
    upload.save()
    page = lead.get(reverse("upload", args=[upload.pk])).text
    assert re.search(r'<td lang="en">is missing</td>', page) and re.search(r'<p [^>]*lang="en">a note</p>', page)
