"""Language models on this machine: small real ones with random weights, run through transformers."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from arena.chat import ChatError, Endpoint, Message, open_chat
from arena.chat.local import LocalChat
from arena.chat.local_model import CausalModel, Prompt, Reply
from arena.chat.local_template import templated
from tests.arena.chat import tiny_models

ASKED = [Message("user", "Which of them?")]
OTHERS = [[Message("user", text)] for text in ("Hi", "A much longer question than the first one, to be padded.", "?")]
PAIR = {"type": "object", "properties": {"verdict": {"type": "string", "enum": ["A", "B", "C"]}}}


def complete(endpoint, messages=ASKED, **how):
    async def call():
        async with open_chat(endpoint) as chat:
            return await chat.complete(messages, **how)

    return asyncio.run(call())


def asked(endpoint, ask):
    async def call():
        async with open_chat(endpoint) as chat:
            return await ask(chat)

    return asyncio.run(call())


def weighed(endpoint, ask):
    """What the local chat itself says of a text: what no other provider can say is no part of the chat that calls wait at."""

    async def call():
        async with LocalChat(endpoint) as chat:
            return await ask(chat)

    return asyncio.run(call())


# Without torch


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dtype": "float8; import os"}, "option 'dtype' must be one of auto, float32"),
        ({"device": "tpu"}, "option 'device' must be auto, cpu"),
        ({"temprature": 0}, "no option 'temprature'"),
        ({"trust_remote_code": True}, "no option 'trust_remote_code'"),
        ({"max_tokens": 0}, "'max_tokens' must be a whole number from 1"),
        ({"batch_size": 2.5}, "'batch_size' must be a whole number"),
        ({"temperature": -1}, "'temperature' must be a number from 0"),
        ({"top_p": 1.5}, "'top_p' must be a number from 0 to 1"),
        ({"seed": "x"}, "'seed' must be a whole number"),
        ({"stop": [""]}, "'stop' must be a text"),
    ],
)
def test_an_option_that_cannot_be_is_named(options, words):
    with pytest.raises(ChatError, match=words) as caught:
        open_chat(Endpoint("local", "model", options=options))
    assert not caught.value.transient


def test_options_that_are_none_are_left_to_us():
    assert open_chat(Endpoint("local", "model", options={"temperature": None, "max_tokens": None, "dtype": None}))


def test_without_torch_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ChatError, match=r"torch is not installed: .*requirements-torch\.txt") as caught:
        complete(Endpoint("local", "nowhere/without-torch"))
    assert (caught.value.transient, caught.value.status) == (False, 404)


def test_a_beginning_that_was_read_in_part_is_read_anew(monkeypatch):
    """As where memory is full at the second layer: the first has its keys by then."""
    memory_is_full = iter([True])

    class Kept:
        is_croppable = True

        def __init__(self, config):
            self.tokens = []

    class Model:
        config = None

        def __call__(self, new, past_key_values, **_how):
            past_key_values.tokens += new[0]
            if next(memory_is_full, False):
                raise RuntimeError("CUDA out of memory")

    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(DynamicCache=Kept))
    held = object.__new__(CausalModel)
    held._torch = SimpleNamespace(inference_mode=nullcontext, tensor=lambda rows, device: rows)
    held._model, held._device, held._cache, held._prefix = Model(), None, None, ()
    with pytest.raises(RuntimeError):
        held._hold((1, 2, 3))
    assert held._hold((1, 2, 3)).tokens == [1, 2, 3]
    assert held._hold((1, 2, 3, 4)).tokens == [1, 2, 3, 4]


class Faulty:
    """A model that fails over a prompt with the word "odd": as it is made into tokens, or as the reply is written."""

    templated = True

    def __init__(self, error: Exception, *, while_writing: bool) -> None:
        self.error, self.while_writing, self.sizes = error, while_writing, []

    def fitting_prompt(self, messages):
        odd = "odd" in messages[-1].content
        if odd and not self.while_writing:
            raise self.error
        return Prompt((int(odd),))

    def generate(self, prompts, _sampling):
        self.sizes.append(len(prompts))
        if any(prompt.ids == (1,) for prompt in prompts):
            raise self.error
        return [Reply("Yes.", "stop", 1, 1) for _ in prompts]


@pytest.mark.parametrize(
    "error", [IndexError("index out of range in self"), ValueError("no such token"), RuntimeError("full")]
)
@pytest.mark.parametrize(("while_writing", "sizes"), [(False, [2]), (True, [3, 1, 1, 1])])
def test_a_prompt_that_the_model_fails_over_is_its_own_error_and_not_that_of_its_batch(
    monkeypatch, error, while_writing, sizes
):
    model = Faulty(error, while_writing=while_writing)
    monkeypatch.setattr("arena.chat.local.causal_model", lambda _weights: model)
    monkeypatch.setattr("arena.chat.local_queue.GATHER_SECONDS", 1.0)

    async def all_at_once(chat):
        told = [[Message("user", text)] for text in ("one", "an odd one", "another")]
        return await asyncio.gather(*map(chat.complete, told), return_exceptions=True)

    first, odd, last = asked(Endpoint("local", "faulty", options={"batch_size": 3}), all_at_once)
    assert (first.text, last.text, model.sizes) == ("Yes.", "Yes.", sizes)
    assert isinstance(odd, ChatError) and not odd.transient
    assert str(odd) == f"the local model failed: {error}"


def tokenizer(*taken: str, error: Exception):
    """One whose template takes turns of these roles alone."""

    def apply_chat_template(turns, *, tokenize, **_how):
        if any(turn["role"] not in taken for turn in turns):
            raise error
        return " | ".join(turn["content"] for turn in turns)

    return SimpleNamespace(apply_chat_template=apply_chat_template)


def test_what_a_template_has_no_place_for_goes_before_the_question_or_is_refused_with_its_words():
    turns = [Message("system", "Be brief."), Message("user", "Which?"), Message("assistant", "Both.")]
    no = ValueError("System role not supported")
    assert templated(tokenizer("system", "user", "assistant", error=no), turns) == "Be brief. | Which? | Both."
    assert templated(tokenizer("user", "assistant", error=no), turns) == "Be brief.\n\nWhich? | Both."
    for error in (
        ValueError("Roles must\nalternate"),
        TypeError("Roles must alternate"),
        KeyError("Roles must alternate"),
    ):
        with pytest.raises(ChatError, match=r"template does not take these turns: '?Roles must alternate") as caught:
            templated(tokenizer("user", error=error), turns)
        assert (caught.value.transient, caught.value.status) == (False, 400)


def test_a_schema_that_cannot_be_filled_by_choosing_is_refused_before_anything_is_loaded():
    schema = {"type": "object", "properties": {"why": {"type": "string"}}}
    with pytest.raises(ChatError, match="cannot be bound to this schema: 'why'") as caught:
        complete(Endpoint("local", "nowhere/at-all"), schema=schema)
    assert not caught.value.transient


# With torch


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("torch", reason="torch is not installed: requirements-torch.txt")
    return tiny_models.save_causal(tmp_path_factory.mktemp("causal"))


@pytest.fixture
def endpoint(model):
    return Endpoint("local", model, options={"max_tokens": 12, "dtype": "float32", "device": "cpu"})


def causal(model):
    from arena.chat.local_model import causal_model
    from arena.chat.local_weights import Weights

    return causal_model(Weights(model, "float32", "cpu"))


def test_it_answers_and_counts(endpoint):
    completion = complete(endpoint)
    assert completion.finish in ("stop", "length")
    assert 0 < completion.tokens_out <= 12
    assert completion.tokens_in == len(ASKED[0].content) + 3, "each letter and the three tokens of the template"
    assert (completion.first_token_s, completion.attempts) == (None, 1)
    assert complete(endpoint).text == completion.text


def test_a_batch_says_what_each_would_have_said_alone(endpoint, monkeypatch):
    single = [complete(endpoint, each).text for each in OTHERS]
    sizes = []
    held = causal(endpoint.model)
    generate = held.generate
    monkeypatch.setattr(held, "generate", lambda prompts, how: sizes.append(len(prompts)) or generate(prompts, how))
    monkeypatch.setattr("arena.chat.local_queue.GATHER_SECONDS", 1.0)

    async def all_at_once(chat):
        return await asyncio.gather(*(chat.complete(each) for each in OTHERS))

    three = Endpoint("local", endpoint.model, options={**endpoint.options, "batch_size": 3})
    assert [completion.text for completion in asked(three, all_at_once)] == single
    assert sizes == [3]


def test_the_event_loop_stays_free_while_it_answers(endpoint):
    async def both(chat):
        answer = asyncio.create_task(chat.complete(ASKED))
        ticks = 0
        while not answer.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asked(endpoint, both) > 10


def test_a_stream_gives_the_whole_at_once(endpoint):
    async def pieces(chat):
        return [piece async for piece in chat.stream(ASKED)]

    *texts, last = asked(endpoint, pieces)
    assert "".join(texts) == last.text == complete(endpoint).text


def test_a_seed_makes_a_drawn_reply_the_same_again(endpoint):
    def drawn(seed):
        options = {**endpoint.options, "temperature": 5.0, "seed": seed, "top_p": 0.9}
        return complete(Endpoint("local", endpoint.model, options=options)).text

    assert drawn(1) == drawn(1)
    assert len({drawn(seed) for seed in range(4)}) > 1


def test_the_weights_are_loaded_once(endpoint, monkeypatch):
    complete(endpoint)
    monkeypatch.setattr("arena.chat.local_model.load", lambda *what: pytest.fail("loaded again"))
    complete(Endpoint("local", endpoint.model, options={**endpoint.options, "max_tokens": 2}))


def test_a_prompt_that_is_too_long_is_its_own_error_and_not_that_of_its_neighbours(endpoint, monkeypatch):
    monkeypatch.setattr("arena.chat.local_queue.GATHER_SECONDS", 1.0)
    long = [Message("user", "x" * (tiny_models.ROOM + 1))]
    two = Endpoint("local", endpoint.model, options={**endpoint.options, "batch_size": 2})

    async def both(chat):
        return await asyncio.gather(chat.complete(long), chat.complete(ASKED), return_exceptions=True)

    failed, answered = asked(two, both)
    assert isinstance(failed, ChatError)
    assert (failed.transient, failed.status) == (False, 413)
    assert answered.text == complete(endpoint).text


def test_a_reply_ends_where_the_model_has_no_more_room(endpoint):
    nearly = [Message("user", "x" * (tiny_models.ROOM - 8))]
    completion = complete(Endpoint("local", endpoint.model, options={"max_tokens": 400}), nearly)
    assert completion.tokens_in + completion.tokens_out <= tiny_models.ROOM
    assert completion.finish in ("stop", "length")


def test_a_stop_text_ends_the_reply_and_is_not_part_of_it(endpoint):
    text = complete(endpoint).text
    stop = text[3]
    completion = complete(Endpoint("local", endpoint.model, options={**endpoint.options, "stop": stop}))
    assert (completion.text, completion.finish) == (text[: text.index(stop)], "stop")


def test_a_system_turn_goes_before_the_question_where_the_template_has_no_place_for_it(model):
    held = causal(model)
    with_system = held.prompt([Message("system", "Be brief."), Message("user", "Why?")])
    assert with_system == held.prompt([Message("user", "Be brief.\n\nWhy?")])


def test_a_model_without_a_template_is_given_plain_prompts_and_that_is_said(tmp_path, caplog):
    pytest.importorskip("torch", reason="torch is not installed: requirements-torch.txt")
    folder = tiny_models.save_causal(tmp_path / "plain", template=None)
    held = causal(folder)
    assert not held.templated
    assert "has no chat template" in caplog.text
    completion = complete(Endpoint("local", folder, options={"max_tokens": 3}))
    assert completion.tokens_out == 3
    assert completion.notes == ("the model has no chat template: it was given a plain prompt",)


def test_a_block_of_thoughts_that_the_template_opened_is_reasoning(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: requirements-torch.txt")
    template = tiny_models.TEMPLATE + "{% if add_generation_prompt %}<think>\n{% endif %}"
    folder = tiny_models.save_causal(tmp_path / "thinker", template=template)
    completion = complete(Endpoint("local", folder, options={"max_tokens": 5}))
    assert completion.text == ""
    assert completion.reasoning


def test_a_folder_without_a_model_is_a_permanent_error(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: requirements-torch.txt")
    with pytest.raises(ChatError, match="cannot be loaded") as caught:
        complete(Endpoint("local", str(tmp_path)))
    assert (caught.value.transient, caught.value.status) == (False, 404)


def test_the_alternatives_to_each_token_come_with_their_log_probabilities(endpoint):
    plain, weighed = complete(endpoint), complete(endpoint, logprobs=3)
    assert (plain.text, plain.top) == (weighed.text, ())
    assert len(weighed.top) == weighed.tokens_out - (weighed.finish == "stop")
    likeliest = max(next_logs(endpoint.model))
    assert max(weighed.top[0].values()) == pytest.approx(likeliest, abs=1e-3)
    assert all(1 <= len(each) <= 4 for each in weighed.top)


def next_logs(model):
    """The log-probability of every token as the first of the reply, the long way round."""
    import torch

    held = causal(model)
    with torch.inference_mode():
        logits = held._model(torch.tensor([held.prompt(ASKED).ids])).logits[0, -1]
    return torch.log_softmax(logits.double(), dim=-1).tolist()


def plain_likelihood(model, text, ending):
    """The log-likelihood the long way round: the whole text, one row, no cache."""
    import torch

    held = causal(model)
    before, ids = held._encode(text), held._encode(text + ending)
    with torch.inference_mode():
        logs = torch.log_softmax(held._model(torch.tensor([ids])).logits[0].double(), dim=-1)
    start = next((at for at, pair in enumerate(zip(before, ids, strict=False)) if pair[0] != pair[1]), len(before))
    return sum(float(logs[at - 1, ids[at]]) for at in range(start, len(ids)))


def test_options_are_scored_by_their_likelihood_summed_and_per_character(endpoint):
    options = ["A", "both of them", "Answer 10"]
    scores = weighed(endpoint, lambda chat: chat.option_logprobs(ASKED, options))
    text = causal(endpoint.model)._text(ASKED)
    for option, score in zip(options, scores, strict=True):
        assert score.option == option
        assert score.total == pytest.approx(plain_likelihood(endpoint.model, text, option), abs=1e-3)
        assert score.per_character == pytest.approx(score.total / len(option))


def test_all_first_tokens_together_have_all_the_likelihood(model):
    held = causal(model)
    letters = [chr(number) for number in range(32, 127)]
    total = sum(math.exp(each) for each in held.likelihoods(held._text(ASKED), letters))
    assert 0 < total <= 1 + 1e-6


def test_likelihoods_are_the_same_with_kept_keys_and_without(model, monkeypatch):
    held = causal(model)
    texts = [("one two", [" three", " four", "ty"]), ("one two three", [" four"]), ("other", ["a", "bc"])]
    kept = [held.likelihoods(text, endings) for text, endings in texts]
    monkeypatch.setattr(held, "_hold", lambda ids: None)
    for (text, endings), each in zip(texts, kept, strict=True):
        assert held.likelihoods(text, endings) == pytest.approx(each, abs=1e-3)


def test_where_a_token_spans_text_and_ending_all_endings_are_counted_from_it_on(model):
    held = causal(model)
    # "10" is one token, so that "x1" is no beginning of "x10" in tokens.
    assert held.likelihoods("x1", ["0}", "}"]) == pytest.approx(
        [plain_likelihood(model, "x", "10}"), plain_likelihood(model, "x", "1}")], abs=1e-3
    )


def test_perplexity_is_exp_of_the_mean_negative_log_likelihood(endpoint):
    text = "some plain text"
    held = causal(endpoint.model)
    ids = held._encode(text)
    begin = held._tokenizer.bos_token
    expected = math.exp(-plain_likelihood(endpoint.model, begin, text) / len(ids))
    assert weighed(endpoint, lambda chat: chat.perplexity(text)) == pytest.approx(expected, rel=1e-4)


def test_the_perplexity_of_nothing_is_an_error(endpoint):
    with pytest.raises(ChatError, match="at least two tokens"):
        weighed(endpoint, lambda chat: chat.perplexity(""))


def test_a_bound_reply_is_the_likeliest_of_all(endpoint):
    completion = complete(endpoint, schema=PAIR)
    text = causal(endpoint.model)._text(ASKED)
    likely = {letter: plain_likelihood(endpoint.model, text + '{"verdict": ', f'"{letter}"}}') for letter in "ABC"}
    assert json.loads(completion.text) == {"verdict": max(likely, key=likely.get)}
    assert completion.finish == "stop"
    assert completion.tokens_out > 0


def test_every_key_of_a_bound_reply_has_a_value_of_its_own(endpoint):
    mark = {"type": "integer", "minimum": 1, "maximum": 10}
    schema = {"type": "object", "properties": {"correctness": mark, "style": mark}}
    said = json.loads(complete(endpoint, schema=schema).text)
    assert list(said) == ["correctness", "style"]
    assert all(value in range(1, 11) for value in said.values())


def test_prompts_that_begin_alike_are_answered_as_each_is_alone(endpoint, monkeypatch):
    monkeypatch.setattr("arena.chat.local_queue.GATHER_SECONDS", 1.0)
    said = ("a", "another question, longer than the first", "b?")
    alike = [[Message("user", f"One long instruction for all of them: {text}")] for text in said]
    held = causal(endpoint.model)
    monkeypatch.setattr(held, "_past", lambda rows: None)
    plain = [complete(endpoint, each).text for each in alike]
    monkeypatch.undo()

    async def all_at_once(chat):
        return await asyncio.gather(*(chat.complete(each) for each in alike))

    together = asked(Endpoint("local", endpoint.model, options={**endpoint.options, "batch_size": 3}), all_at_once)
    assert [completion.text for completion in together] == plain
    assert [complete(endpoint, each).text for each in alike] == plain


def test_what_prompts_begin_with_is_read_once(endpoint, monkeypatch):
    begun = "One long instruction for all of them, and then: "
    complete(endpoint, [Message("user", begun + "first")])
    held, read = causal(endpoint.model), []
    forward = held._model.forward

    def counted(*args, **how):
        read.append(how["input_ids"] if "input_ids" in how else args[0])
        return forward(*args, **how)

    monkeypatch.setattr(held._model, "forward", counted)
    one = Endpoint("local", endpoint.model, options={**endpoint.options, "max_tokens": 1})
    completion = complete(one, [Message("user", begun + "second")], logprobs=5)
    assert completion.tokens_in > len(begun)
    assert sum(ids.shape[1] for ids in read) < 15, "what comes after the beginning, and that once"
    assert completion.top


def test_reading_long_prompts_takes_nothing_of_the_time_for_writing(endpoint, monkeypatch):
    held = causal(endpoint.model)
    forward = held._model.forward
    slow = iter([0.4])

    def first_is_slow(*args, **how):
        time.sleep(next(slow, 0))
        return forward(*args, **how)

    monkeypatch.setattr(held._model, "forward", first_is_slow)
    brief = Endpoint("local", endpoint.model, options={**endpoint.options, "max_tokens": 2, "seed": 1}, timeout=0.3)
    assert complete(brief).finish in ("stop", "length")


def test_a_reply_that_takes_too_long_is_not_asked_for_again(endpoint):
    brief = Endpoint("local", endpoint.model, options={**endpoint.options, "max_tokens": 400}, timeout=1e-6)
    with pytest.raises(ChatError, match="no whole answer within .* lower max_tokens or raise timeout") as caught:
        complete(brief)
    assert not caught.value.transient


def test_replies_of_a_token_or_two_come_one_by_one(endpoint, monkeypatch):
    held, sizes = causal(endpoint.model), []
    generate = held.generate
    monkeypatch.setattr(held, "generate", lambda prompts, how: sizes.append(len(prompts)) or generate(prompts, how))
    monkeypatch.setattr("arena.chat.local_queue.GATHER_SECONDS", 0.2)

    async def all_at_once(chat):
        return await asyncio.gather(*(chat.complete(each) for each in OTHERS))

    asked(Endpoint("local", endpoint.model, options={**endpoint.options, "max_tokens": 2}), all_at_once)
    assert sizes == [1, 1, 1]


def test_a_batch_that_is_too_much_for_the_memory_is_tried_one_by_one(endpoint, monkeypatch):
    held, sizes = causal(endpoint.model), []
    generate = held.generate

    def cramped(prompts, how):
        sizes.append(len(prompts))
        if len(prompts) > 1 or len(prompts[0].ids) > 20:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return generate(prompts, how)

    monkeypatch.setattr(held, "generate", cramped)
    monkeypatch.setattr("arena.chat.local_queue.GATHER_SECONDS", 1.0)

    async def all_at_once(chat):
        return await asyncio.gather(*(chat.complete(each) for each in OTHERS), return_exceptions=True)

    three = Endpoint("local", endpoint.model, options={**endpoint.options, "batch_size": 3})
    brief, long, other = asked(three, all_at_once)
    assert sizes == [3, 1, 1, 1]
    assert brief.text and other.text
    assert isinstance(long, ChatError)
    assert "the local model failed: CUDA out of memory" in str(long)


@pytest.mark.parametrize("kind", ["causal", "reward"])
def test_weights_of_another_kind_of_model_are_refused_and_not_made_up(tmp_path, kind):
    pytest.importorskip("torch", reason="torch is not installed: requirements-torch.txt")
    from arena.chat.local_classifier import reward_model
    from arena.chat.local_model import causal_model
    from arena.chat.local_weights import Weights

    save, load, words = {
        "causal": (tiny_models.save_classifier, causal_model, r"is no model that writes texts: .* no lm_head\.weight"),
        "reward": (tiny_models.save_causal, reward_model, r"is no reward model: its weights have no score\.weight"),
    }[kind]
    folder = save(tmp_path / kind)
    with pytest.raises(ChatError, match=words) as caught:
        load(Weights(folder))
    assert (caught.value.transient, caught.value.status) == (False, 404)


def test_a_folder_that_is_not_there_is_told_as_that_before_anything_is_imported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ChatError, match="there is no .*gone on the machine of this worker"):
        complete(Endpoint("local", str(tmp_path / "gone")))


def test_a_broken_file_of_weights_is_told_once_for_all(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: requirements-torch.txt")
    folder = tiny_models.save_causal(tmp_path / "broken")
    file = tmp_path / "broken" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ChatError, match="cannot be loaded") as caught:
        complete(Endpoint("local", folder))
    assert caught.value.status == 404


def test_what_is_being_loaded_is_told_while_it_is(tmp_path, monkeypatch):
    from arena.chat import local_weights

    seen = []
    monkeypatch.setattr(local_weights, "_loaded", lambda *_what: seen.append(local_weights.loading()))
    local_weights.load("AutoModelForCausalLM", local_weights.Weights("some-model"))
    assert (seen, local_weights.loading()) == ([["some-model"]], [])


@pytest.mark.parametrize(("told", "cores", "threads"), [("1", 8, 7), ("", 1, 1), ("4", 8, 4)])
def test_a_model_takes_all_cores_but_one_unless_it_is_told_how_many(monkeypatch, told, cores, threads):
    from arena.chat import local_weights

    monkeypatch.setenv("OMP_NUM_THREADS", told)
    monkeypatch.setattr(local_weights.os, "sched_getaffinity", lambda _pid: set(range(cores)), raising=False)
    assert local_weights._threads() == threads
