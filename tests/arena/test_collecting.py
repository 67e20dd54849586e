"""Answers collected over real HTTP: several turns, what they took, failures as rows, resumed where they stopped."""

from __future__ import annotations

import asyncio

import pytest

from arena import collecting
from arena.chat import ChatError, Completion
from arena.chat.breaker import FAILURES_IN_A_ROW
from arena.collecting import Said, answer_row, collect, turns_in
from arena.keeping import NotKept
from arena.keys import NoKey, key_of
from arena.models import UNFINISHED, Answer, LanguageModel, Question
from tests import openai_server
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db(transaction=True)


def asked(count: int = 3, *turns: str, **fields) -> list[Question]:
    benchmark = make.benchmark()
    turns = turns or ("How long does an egg boil?", "And a very large one?")
    return [make.question(benchmark, f"q{n}", *(f"{turn} {n}" for turn in turns), **fields) for n in range(count)]


def model(server, name: str = "Ash", **fields) -> LanguageModel:
    return make.model(name, provider="openai", base_url=server.base_url, endpoint_model="vocabulary", **fields)


def gather(by: LanguageModel, questions, **options) -> list[Answer]:
    return [row for batch in collect(by, questions, **options) for row in batch]


def messages(server) -> list[list[tuple[str, str]]]:
    return [[(m["role"], m["content"]) for m in call.body["messages"]] for call in server.calls]


def test_every_turn_is_asked_after_the_models_own_answers_to_those_before():
    (question,) = asked(1, system="Be brief.")
    with openai_server.serve() as server:
        gather(model(server), [question])
        first, second = messages(server)
    answer = Answer.objects.get()
    assert first == [("system", "Be brief."), ("user", question.turns[0])]
    assert second == [*first, ("assistant", answer.turns[0]), ("user", question.turns[1])]
    assert answer.turns == [openai_server.answer(turn) for turn in question.turns]


def test_an_answer_keeps_what_it_took():
    with openai_server.serve(latency=0.05) as server:
        gather(model(server), asked(1))
    answer = Answer.objects.get()
    assert answer.tokens_in > 0 and answer.tokens_out > 0 and answer.attempts == 2 and answer.finish == "stop"
    assert 0.05 <= answer.first_token_s <= answer.seconds and answer.seconds >= 0.1
    assert answer.html_turns and answer.provenance == "real"


def test_calls_run_in_parallel_up_to_the_limit():
    with openai_server.serve(latency=0.05) as server:
        gather(model(server), asked(12), concurrency=4)
        assert server.peak == 4
    assert Answer.objects.ok().count() == 12


def test_transient_failures_are_asked_again_and_counted():
    with openai_server.serve(fail=0.3) as server:
        gather(model(server), asked(10), attempts=8)
        assert Answer.objects.ok().count() == 10 and server.failed > 0
        assert sum(Answer.objects.values_list("attempts", flat=True)) == server.count == 20 + server.failed


def test_a_failure_is_a_row_with_its_reason_and_the_next_go_asks_it_alone():
    questions = asked(6)
    with openai_server.serve(fail=0.5) as server:
        by = model(server)
        gather(by, questions, attempts=1)
        failed = set(Answer.objects.failed().values_list("question", flat=True))
        assert failed and all("try again" in row.error for row in Answer.objects.failed())
        said = sum(turns_in(row.trace) for row in Answer.objects.failed())
    with openai_server.serve() as server:
        LanguageModel.objects.update(base_url=server.base_url)
        left = list(Question.objects.unanswered_by(by))
        assert {question.pk for question in left} == failed
        gather(LanguageModel.objects.get(), left)
        assert server.count == 2 * len(failed) - said
    assert Answer.objects.ok().count() == Answer.objects.count() == 6
    assert not list(Question.objects.unanswered_by(by))


def test_a_key_that_is_refused_ends_it_with_the_reason_and_without_a_row_for_every_question(monkeypatch):
    monkeypatch.setenv("ASH_KEY", "wrong-key-of-ours")
    with openai_server.serve(key="right") as server:
        with pytest.raises(ChatError) as refused:
            gather(model(server, key_env="ASH_KEY"), asked(30), concurrency=2)
        assert server.count <= 4
    assert refused.value.status == 401 and "wrong-key-of-ours" not in str(refused.value)
    assert not Answer.objects.exists()


def test_a_key_is_sent_from_the_environment_and_its_absence_is_one_line(monkeypatch):
    with openai_server.serve(key="sesame") as server:
        by = model(server, key_env="ASH_KEY")
        monkeypatch.delenv("ASH_KEY", raising=False)
        with pytest.raises(
            NoKey, match=r"^model Ash: The environment variable ASH_KEY, which holds its key, is not set\. .*again\.$"
        ):
            gather(by, asked(1))
        assert server.count == 0
        monkeypatch.setenv("ASH_KEY", "sesame")
        gather(by, Question.objects.all())
        assert server.answered == 2
    assert key_of(make.model("Birch")) == ""


def test_a_model_without_an_endpoint_is_asked_nothing():
    assert gather(make.model("Ash"), asked(2)) == []


def test_stopping_early_keeps_what_was_answered():
    with openai_server.serve(latency=0.05) as server:
        arriving = collect(model(server), asked(20), concurrency=2)
        saved = next(batch for batch in arriving if batch)
        arriving.close()
        assert server.count < 20
    assert set(Answer.objects.values_list("question", flat=True)) >= {row.question_id for row in saved}


def test_an_endpoint_that_is_down_is_given_up_and_not_asked_every_question():
    with openai_server.serve(fail=1) as server:
        with pytest.raises(ChatError, match="429|500"):
            gather(model(server), asked(100), attempts=1, concurrency=4)
        assert FAILURES_IN_A_ROW <= server.count <= FAILURES_IN_A_ROW + 8
    assert FAILURES_IN_A_ROW <= Answer.objects.failed().count() == Answer.objects.count() <= FAILURES_IN_A_ROW + 8


def test_what_was_under_way_when_the_key_was_refused_is_kept(monkeypatch):
    """The first answers come slowly; a question later, the endpoint says that the model is not there any more."""

    class Chat:
        asked = 0

        async def complete(self, messages, *, stream):
            Chat.asked += 1
            if Chat.asked == 3:
                raise ChatError("HTTP 404: no such model", transient=False, status=404)
            await asyncio.sleep(0.1)
            return Completion("Six minutes.")

        async def close(self):
            pass

    monkeypatch.setattr(collecting, "open_chat", lambda endpoint: Chat())
    by = make.model("Ash", provider="openai")
    with pytest.raises(ChatError, match="404"):
        gather(by, asked(30, "How long does an egg boil?"), concurrency=3)
    assert Answer.objects.ok().count() == Answer.objects.count() == 2 and Chat.asked == 3


class Halting:
    """A chat that answers so many calls and then fails, or hangs; all that it was asked is in `asked`."""

    def __init__(self, answers: int, error: ChatError | None = None):
        self.answers, self.error, self.asked = answers, error, []

    async def complete(self, messages, *, stream):
        self.asked.append([message.content for message in messages])
        if len(self.asked) > self.answers:
            if self.error is None:
                await asyncio.sleep(60)
            raise self.error
        return Completion(f"Said {len(self.asked)}.", reasoning="Hm.", tokens_in=10, tokens_out=2, seconds=1.0)

    async def close(self):
        pass


def passing() -> ChatError:
    return ChatError("HTTP 500: later", transient=True, status=500)


def test_a_turn_that_was_answered_is_not_asked_again_when_a_later_one_failed(monkeypatch):
    (question,) = asked(1, "One?", "Two?", "Three?", system="Be brief.")
    by, chat = make.model("Ash", provider="openai"), Halting(1, passing())
    monkeypatch.setattr(collecting, "open_chat", lambda endpoint: chat)
    gather(by, [question], attempts=1)
    failed = Answer.objects.get()
    assert failed.error == "HTTP 500: later" and failed.turns == [] and (failed.tokens_in, failed.tokens_out) == (10, 2)
    chat.answers = 100
    gather(by, Question.objects.unanswered_by(by))
    answer = Answer.objects.get()
    assert chat.asked[2:] == [
        ["Be brief.", "One? 0", "Said 1.", "Two? 0"],
        ["Be brief.", "One? 0", "Said 1.", "Two? 0", "Said 3.", "Three? 0"],
    ]
    assert answer.turns == ["Said 1.", "Said 3.", "Said 4."] and answer.reasoning == ["Hm."] * 3
    assert (answer.tokens_in, answer.tokens_out, answer.seconds, answer.trace) == (30, 6, 3.0, [])


def test_turns_are_saved_as_they_come_so_that_a_killed_process_loses_none(monkeypatch):
    questions = asked(3)
    by, chat = make.model("Ash", provider="openai"), Halting(3)
    monkeypatch.setattr(collecting, "open_chat", lambda endpoint: chat)
    arriving = collect(by, questions, concurrency=1)
    while Answer.objects.filter(error=UNFINISHED).count() + Answer.objects.ok().count() < 2:
        next(arriving)
    arriving.close()
    assert Answer.objects.ok().count() == 1 and not Answer.objects.failed().exists()
    begun = Answer.objects.get(error=UNFINISHED)
    assert begun.turns == [] and begun.question == questions[1]
    chat.answers, made = 100, len(chat.asked)
    gather(by, list(Question.objects.unanswered_by(by)), concurrency=1)
    assert [call[-1] for call in chat.asked[made:]] == [question.turns[1] for question in questions[1:2]] + questions[
        2
    ].turns
    assert Answer.objects.ok().count() == Answer.objects.count() == 3


def test_a_process_that_is_killed_while_it_saves_loses_no_turn_that_was_paid(monkeypatch):
    (question,) = asked(1, "One?", "Two?")
    by, chat = make.model("Ash", provider="openai"), Halting(1, passing())
    monkeypatch.setattr(collecting, "open_chat", lambda endpoint: chat)
    gather(by, [question], attempts=1)

    def killed(*arguments, **options):
        raise SystemExit

    monkeypatch.setattr(collecting, "keep", killed)
    chat.answers = 100
    with pytest.raises(SystemExit):
        gather(by, [question])
    assert turns_in(Answer.objects.get().trace) == 1


def test_an_answer_that_the_database_refuses_leaves_what_was_there_and_the_others_are_kept(monkeypatch):
    questions = asked(3, "One?", "Two?")
    by, chat = make.model("Ash", provider="openai"), Halting(1, passing())
    monkeypatch.setattr(collecting, "open_chat", lambda endpoint: chat)
    gather(by, questions[:1], attempts=1)
    said = [Said(question, (Completion("Yes."), Completion("No."))) for question in questions]
    rows = [answer_row(by, one, sample=0, provenance="real") for one in said]
    rows[0].tokens_out = -1
    with pytest.raises(NotKept, match="^1 of 3 answer rows"):
        collecting._keep(rows, by, sample=0)
    assert set(Answer.objects.ok().values_list("question", flat=True)) == {one.pk for one in questions[1:]}
    assert turns_in(Answer.objects.failed().get().trace) == 1


def test_what_was_said_to_a_question_that_reads_otherwise_by_now_is_asked_again(monkeypatch):
    (question,) = asked(1, "One?", "Two?")
    by, chat = make.model("Ash", provider="openai"), Halting(1, passing())
    monkeypatch.setattr(collecting, "open_chat", lambda endpoint: chat)
    gather(by, [question], attempts=1)
    Question.objects.update(turns=["One, then?", "Two?"])
    chat.answers = 100
    gather(by, Question.objects.all())
    assert [call[-1] for call in chat.asked[2:]] == ["One, then?", "Two?"]
    assert Answer.objects.get().turns == ["Said 3.", "Said 4."]
