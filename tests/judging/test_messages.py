"""Messages about runs: what each chat program is sent, when, and that no run ever waits for one. Against real servers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from arena.models import LanguageModel
from judging import messages, notifying, opening, running, tasks
from judging.messages import posting
from judging.messages.base import Message, RunFacts, code_in
from judging.messages.wecom import cut_bytes
from judging.messages.wording import WORDS, worded
from judging.models import Delivery, Run, Webhook
from tests.judging import recorded as make
from tests.judging import voting

SECRET = "SEC-a-secret-of-ours"
FACTS = RunFacts(
    id=7,
    name="Kitchen *table* <b>",
    status="done",
    benchmark="kitchen v1",
    models=("Ash & Co <!channel>", "Birch [x](http://evil.test)"),
    provenance="demo",
    done=120,
    failed=3,
    total=130,
    spent=1.25,
    budget=5.0,
    link="https://juryroom.test/runs/7/",
)
MESSAGE = Message("run_done", 42, "2026-11-25T19:00:00+00:00", "en", FACTS)


@dataclass
class Hook:
    """A real server that plays a chat program: what it got, and what it answers."""

    answers: list = field(default_factory=list)
    got: list = field(default_factory=list)
    url: str = ""


@contextmanager
def hook(*answers) -> Iterator[Hook]:
    """Answers are (status, headers, body); the last one is given again and again. A body of None hangs."""
    told, closing = Hook(list(answers)), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append((self.path, dict(self.headers), body))
            status, headers, text = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            if text is None:
                closing.wait(30)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/hook/a-token-that-is-secret"
    try:
        yield told
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


OK = {
    "json": (204, {}, b""),
    "feishu": (200, {}, b'{"code": 0, "msg": "success"}'),
    "slack": (200, {}, b"ok"),
    "dingtalk": (200, {}, b'{"errcode": 0, "errmsg": "ok"}'),
    "wecom": (200, {}, b'{"errcode": 0, "errmsg": "ok"}'),
}


def request(
    kind: str, message: Message = MESSAGE, *, secret: str = "", url: str = "https://chat.test/robot?access_token=t"
):
    return messages.KINDS[kind].request(message, url=url, secret=secret, at=1_700_000_000.5)


def body(kind: str, **more) -> dict:
    return json.loads(request(kind, **more).body)


# --- the wire


def test_feishu_signs_an_empty_text_under_the_time_and_the_secret():
    sent = body("feishu", secret=SECRET)
    key = f"1700000000\n{SECRET}".encode()
    assert sent["timestamp"] == "1700000000"
    assert sent["sign"] == base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    assert sent["msg_type"] == "interactive"
    assert sent["card"]["elements"][-1]["actions"][0]["url"] == FACTS.link
    assert "sign" not in body("feishu")


def test_dingtalk_signs_the_time_in_milliseconds_in_the_address():
    sent = request("dingtalk", secret=SECRET)
    query = parse_qs(urlsplit(sent.url).query)
    assert query["access_token"] == ["t"] and query["timestamp"] == ["1700000000500"]
    text = f"1700000000500\n{SECRET}".encode()
    wanted = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
    assert query["sign"] == [wanted]
    assert json.loads(sent.body)["msgtype"] == "markdown"
    assert request("dingtalk").url == "https://chat.test/robot?access_token=t"


def test_wecom_takes_markdown_of_4096_bytes_and_the_link_always_fits():
    long = RunFacts(**{**FACTS.__dict__, "models": ("模型" * 400,) * 12, "name": "运行" * 100})
    text = body("wecom", message=Message("run_done", 1, "x", "zh-hans", long))["markdown"]["content"]
    assert 4000 < len(text.encode()) <= 4096
    assert text.endswith(f"({FACTS.link})")
    assert [len(cut_bytes("字" * 10, most).encode()) for most in (30, 29, 10)] == [30, 27, 9]


def test_slack_gets_a_text_for_notifications_and_blocks():
    sent = body("slack")
    assert [block["type"] for block in sent["blocks"]] == ["header", "section", "section"]
    assert sent["blocks"][2]["text"]["text"] == f"<{FACTS.link}|Open the run>"
    assert "Run done" in sent["text"]


def test_plain_json_is_signed_over_the_time_and_the_body_and_numbers_its_delivery():
    sent = request("json", secret=SECRET)
    digest = hmac.new(SECRET.encode(), b"1700000000." + sent.body, hashlib.sha256).hexdigest()
    assert sent.headers["X-Juryroom-Signature"] == f"sha256={digest}"
    told = json.loads(sent.body)
    assert (told["event"], told["delivery"], told["at"]) == ("run_done", 42, MESSAGE.at)
    assert (told["run"]["done"], told["run"]["spent"], told["run"]["reason"]) == (120, 1.25, None)
    assert "X-Juryroom-Signature" not in request("json").headers


def test_names_cannot_make_links_mentions_or_markup_in_any_program():
    for kind in ("feishu", "slack", "dingtalk", "wecom"):
        text = request(kind).body.decode()
        assert "<!channel>" not in text, kind
        assert kind == "slack" or "](http://evil.test)" not in text, kind  # which to Slack are letters like others
    assert "&lt;!channel&gt;" in json.loads(request("slack").body)["blocks"][1]["text"]["text"]
    assert "*table*" not in body("dingtalk")["markdown"]["text"]


def test_what_is_not_known_is_said_to_be_unknown_and_demo_data_is_said_to_be_demo():
    free = RunFacts(**{**FACTS.__dict__, "spent": None, "budget": None, "link": "", "provenance": "dry_run"})
    told = dict(worded(Message("run_done", 1, "x", "en", free)).lines)
    assert told["Spent"] == "unknown (no prices)" and told["Note"].startswith("dry run")
    assert dict(worded(MESSAGE).lines)["Note"].startswith("demo data")
    assert "Open the run" not in request("wecom", Message("run_done", 1, "x", "en", free)).body.decode()
    assert json.loads(request("json", Message("run_done", 1, "x", "en", free)).body)["run"]["link"] is None


def test_both_languages_have_every_word():
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    assert "运行已完成" in request("feishu", Message("run_done", 1, "x", "zh-hans", FACTS)).body.decode()


@pytest.mark.parametrize(
    ("told", "failed"),
    [
        (b'{"code": 0}', False),
        (b'{"StatusCode": 0, "StatusMessage": "success"}', False),
        (b'{"code": 19021, "msg": "sign match fail"}', True),
        (b'{"code": false}', True),
        (b"{}", True),
        (b"<html>welcome</html>", True),
        (b"[0]", True),
    ],
)
def test_an_answer_of_200_that_says_failure_is_a_failure(told, failed):
    assert bool(code_in(told, "code", "StatusCode")) is failed


@pytest.mark.parametrize("kind", OK)
def test_each_kind_arrives_at_a_server_that_answers_as_its_program_does(kind):
    with hook(OK[kind]) as server:
        sent = request(kind, secret=SECRET, url=server.url)
        [result] = messages.post_all([(sent, messages.KINDS[kind].failure)])
        assert result.arrived, result
        assert server.got[0][1]["Content-Type"].startswith("application/json")


def test_a_redirect_is_not_followed():
    with hook((200, {}, b"ok")) as other, hook((307, {"Location": other.url}, b"")) as server:
        [result] = messages.post_all([(request("slack", url=server.url), messages.KINDS["slack"].failure)])
        assert result.is_final and "HTTP 307" in result.error
        assert len(server.got) == 1 and other.got == []


def test_only_so_much_of_an_answer_is_read_and_only_http_is_spoken():
    with hook((200, {}, b"x" * 300_000)) as server:
        [result] = messages.post_all([(request("json", url=server.url), lambda status, body: str(len(body)))])
        assert result.error == str(posting.MOST_READ)
    for url in ("file:///etc/hostname", "ftp://chat.test/x", "chat.test/x", "http://"):
        [result] = messages.post_all([(request("json", url=url), messages.KINDS["json"].failure)])
        assert result.is_final and "http or https" in result.error


def test_many_that_hang_take_no_longer_than_one(monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT", 0.3)
    with hook((200, {}, None)) as server:
        posts = [(request("json", url=server.url), messages.KINDS["json"].failure)] * 15
        began = time.monotonic()
        results = messages.post_all(posts)
        assert time.monotonic() - began < 0.3 * 15 / 2
        assert {result.error for result in results} == {"no answer within 0.3 seconds"}


def test_an_error_never_tells_the_address_or_the_secret():
    url = "https://user:passw0rd@chat.test/hook/T0KEN123?access_token=abcdef123"
    told = posting.without_address(
        f"refused: {url} T0KEN123 abcdef123 passw0rd {SECRET} chat.test", url=url, secret=SECRET
    )
    assert not any(part in told for part in ("T0KEN123", "abcdef123", "passw0rd", SECRET))
    assert len(posting.without_address("x" * 1000, url="")) == 300


# --- when, and what becomes of it

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def environment(monkeypatch):
    return lambda **names: [monkeypatch.setenv(f"JURYROOM_WEBHOOK_{name}", value) for name, value in names.items()]


def webhook(name: str = "team", **fields) -> Webhook:
    defaults = {"url_env": "JURYROOM_WEBHOOK_TEAM", "events": [*notifying.ENDS, notifying.STARTED]}
    created = timezone.now() - timedelta(minutes=1)
    return Webhook.objects.create(name=name, **{"created_at": created, **defaults, **fields})


def queued(**fields) -> Run:
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=2)
    judge = make.judge("dry", kind="dry_run", options={"seed": 1})
    return make.run(benchmark, "Ash", "Birch", judges=[judge], status="queued", **fields)


def noted() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("event", flat=True))


def test_a_run_tells_that_it_starts_and_that_it_is_done_once_each():
    webhook()
    run = queued()
    running.carry_out(run)
    assert noted() == ["run_started", "run_done"]
    notifying.note(run)
    notifying.catch_up()
    assert len(noted()) == 2


def test_a_run_that_is_done_again_tells_it_again_and_that_it_started_no_more():
    webhook()
    run = queued()
    running.carry_out(run)
    run.enqueue()
    running.carry_out(run)
    assert noted() == ["run_started", "run_done", "run_done"]


def test_what_nobody_listens_to_and_what_was_before_is_not_noted():
    run = queued()
    running.carry_out(run)
    webhook(created_at=timezone.now())
    webhook("other", events=["run_failed"])
    webhook("off", is_on=False)
    notifying.catch_up()
    assert noted() == []


def test_a_run_that_fails_is_paused_by_its_budget_or_cancelled_tells_why(monkeypatch):
    webhook()
    run = queued()
    now = timezone.now()
    for status, error in (
        ("failed", "model Ash: 401 for sk-abcdefghijklmnop"),
        ("paused", "the budget is spent"),
        ("cancelled", ""),
    ):
        Run.objects.filter(pk=run.pk).update(status=status, error=error, finished_at=now)
        notifying.note(run)
    assert noted() == ["run_failed", "run_paused", "run_cancelled"]
    Run.objects.filter(pk=run.pk).update(status="failed", error="model Ash: 401 for sk-abcdefghijklmnop")
    facts = notifying.facts_of(Run.objects.get(pk=run.pk))
    assert facts.reason == "model Ash: 401 for …"


def test_a_run_that_a_person_pauses_or_opens_and_closes():
    webhook()
    run = queued()
    assert running.pause(run)
    notifying.catch_up()
    assert noted() == []
    people = voting.open_run()
    Run.objects.filter(pk=people.pk).update(status="draft")
    assert opening.reopen(people) and opening.close(people)
    assert noted() == ["run_started", "run_done"]
    running.cancel(run)
    assert noted()[2:] == ["run_cancelled"]


def test_a_crash_between_the_end_and_the_note_loses_nothing(monkeypatch):
    webhook()
    run = queued()
    with monkeypatch.context() as patched:
        patched.setattr(notifying, "_noted", lambda *_args: 1 / 0)
        running.carry_out(run)  # whose end is on record all the same
    assert Run.objects.get(pk=run.pk).status == "done" and noted() == []
    tasks.sweep()
    assert sorted(noted()) == ["run_done", "run_started"]


def test_what_is_due_is_sent_and_put_down_as_sent(environment, settings):
    settings.SITE_URL = "https://juryroom.test"
    with hook(OK["json"]) as server:
        environment(TEAM=server.url, SECRET=SECRET)
        webhook(secret_env="JURYROOM_WEBHOOK_SECRET")
        run = queued()
        running.carry_out(run)
        assert notifying.send_due() == 2 and notifying.send_due() == 0
        told = [json.loads(body) for _path, _headers, body in server.got]
    assert {one["event"] for one in told} == {"run_started", "run_done"}
    done = next(one for one in told if one["event"] == "run_done")["run"]
    assert done["link"] == f"https://juryroom.test/runs/{run.pk}/"
    assert done["models"] == ["Ash", "Birch"] and done["done"] == done["total"] > 0
    assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}


def test_a_message_that_fails_is_tried_again_later_and_given_up_after_five_tries(environment):
    with hook((500, {}, b"")) as server:
        environment(TEAM=server.url)
        delivery = notifying.send_test(webhook())
        for attempt in range(1, 6):
            Delivery.objects.update(due_at=timezone.now())
            assert notifying.send_due() == 1
            delivery.refresh_from_db()
            assert (delivery.attempts, delivery.error) == (attempt, "HTTP 500")
        assert delivery.status == "failed" and len(server.got) == 5
    waits = [notifying.wait_after(n).total_seconds() for n in range(1, 5)]
    assert waits == [10, 40, 160, 640]


def test_retry_after_is_kept_to_and_a_refusal_for_good_is_not_repeated(environment):
    with hook((429, {"Retry-After": "300"}, b"")) as server:
        environment(TEAM=server.url)
        delivery = notifying.send_test(webhook())
        notifying.send_due()
        delivery.refresh_from_db()
        assert delivery.status == "due"
        assert 290 < (delivery.due_at - timezone.now()).total_seconds() <= 300
        server.answers[:] = [(404, {}, b"")]
        Delivery.objects.update(due_at=timezone.now())
        notifying.send_due()
        delivery.refresh_from_db()
        assert (delivery.status, delivery.error, delivery.attempts) == ("failed", "HTTP 404", 2)


def test_what_an_answer_says_is_kept_without_the_address(environment):
    echoes = (200, {}, b'{"code": 9499, "msg": "no robot a-token-that-is-secret"}')
    with hook(echoes) as server:
        environment(TEAM=server.url)
        delivery = notifying.send_test(webhook(kind="feishu"))
        notifying.send_due()
        delivery.refresh_from_db()
        assert delivery.error == "refused with code 9499: no robot …"
        assert delivery.status == "due"


def test_whoever_dies_while_sending_leaves_the_message_to_the_next(environment, monkeypatch):
    with hook(OK["json"]) as server:
        environment(TEAM=server.url)
        notifying.send_test(webhook())
        with monkeypatch.context() as patched:
            patched.setattr(notifying, "post_all", lambda posts: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                notifying.send_due()
        assert notifying.send_due() == 0  # its lease holds
        Delivery.objects.update(due_at=timezone.now())
        assert notifying.send_due() == 1 and len(server.got) == 1


def test_two_workers_send_a_message_once(environment):
    with hook(OK["json"]) as server:
        environment(TEAM=server.url)
        notifying.send_test(webhook())
        first, second = notifying._take(), notifying._take()
        assert (len(first), len(second)) == (1, 0)
        assert server.got == []


@pytest.mark.parametrize("name", ["DATABASE_URL", "JURYROOM_SECRET", "JURYROOM_WEBHOOK_", "JURYROOM_WEBHOOK_a", "PATH"])
def test_a_webhook_reads_no_variable_that_is_not_named_for_it(name, monkeypatch):
    monkeypatch.setenv(name, "https://chat.test/x")
    delivery = notifying.send_test(webhook(url_env=name))
    notifying.send_due()
    delivery.refresh_from_db()
    assert "is not named JURYROOM_WEBHOOK_" in delivery.error and "chat.test" not in delivery.error


def test_a_variable_that_is_not_set_is_named_and_tried_again():
    delivery = notifying.send_test(webhook(url_env="JURYROOM_WEBHOOK_NOWHERE"))
    notifying.send_due()
    delivery.refresh_from_db()
    assert delivery.error == "the environment variable JURYROOM_WEBHOOK_NOWHERE is not set"
    assert delivery.status == "due"


@pytest.mark.parametrize("answer", [(200, {}, None), (500, {}, b"no"), (200, {}, b"<html>lies</html>")])
def test_a_webhook_that_hangs_fails_or_lies_neither_stops_nor_slows_a_run(answer, environment):
    with hook(answer) as server:
        environment(TEAM=server.url)
        webhook(kind="feishu")
        run = queued()
        began = time.monotonic()
        running.carry_out(run)
        took = time.monotonic() - began
    assert Run.objects.get(pk=run.pk).status == "done"
    assert server.got == []  # nothing is sent by whoever carries the run out
    assert took < 5
    assert noted() == ["run_started", "run_done"]


def test_noting_costs_a_query_where_nobody_listens(django_assert_num_queries):
    run = queued()
    with django_assert_num_queries(1):
        notifying.note(run)
    with django_assert_num_queries(1):
        notifying.catch_up()


def test_models_of_a_run_are_named_in_its_message():
    run = queued()
    LanguageModel.objects.filter(name="Ash").update(name="Ash & Oak")
    assert notifying.facts_of(run).models == ("Ash & Oak", "Birch")
