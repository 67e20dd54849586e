"""What judging costs: the estimate is the calls made, the same prompt is paid for once, and a budget ends a run."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from arena.models import Answer, LanguageModel
from judging import running
from judging.billing import estimate
from judging.judges.base import Dimension, Exhibit, Level, RubricText
from judging.judges.llm import LLMJudge
from judging.machines import engine_of
from judging.models import Grade, Judge, Preference, Run
from judging.progress import progress
from judging.purse import Feed, Purse, spent
from judging.verdicts import Go, collect_from
from tests import openai_server
from tests.judging import recorded as make
from tests.judging.asked import answered, any_run, asked, by_mode, namesake, oracle, panel, priced, queued, reload

database = pytest.mark.django_db(transaction=True)
LARGE = {"single": 12, "baseline": 16, "pairwise": 24}  # verdicts on four questions and three models, in both orders


@pytest.fixture
def server():
    with openai_server.serve() as served:
        yield served


# --- the estimate


@database
@pytest.mark.parametrize("record", ["nothing", "half", "all", "not used"])
@pytest.mark.parametrize(
    ("mode", "order"),
    [
        ("single", "both"),
        ("baseline", "both"),
        ("baseline", "balanced"),
        ("pairwise", "both"),
        ("pairwise", "random"),
        ("pairwise", "fixed"),
    ],
)
def test_the_estimate_is_the_calls_made(server, mode, order, record):
    benchmark, judge = answered(4), oracle(server)
    if record != "nothing":
        limits = {"questions": 2} if record == "half" else {}
        running.carry_out(by_mode(benchmark, mode, namesake(judge), order=order, limits=limits))
    server.forget()
    run = by_mode(benchmark, mode, judge, order=order, cache=record != "not used")
    (bill,) = estimate(run).judges
    running.carry_out(run)
    verdicts = LARGE[mode] // (1 if order == "both" else 2)
    known = {"half": verdicts // 2, "all": verdicts}.get(record, 0)
    assert bill.calls == bill.calls_at_most == server.count == verdicts - known
    assert bill.cached == known and progress(run).done == verdicts
    assert estimate(run).judges[0].calls_at_most == 0


@database
@pytest.mark.parametrize("cache", [True, False])
def test_the_same_answers_to_the_same_question_are_asked_about_once(server, cache):
    benchmark, judge = answered(4), oracle(server)
    benchmark.questions.update(turns=["How long does an egg boil?"])
    for name in ("Ash", "Birch", "Cedar"):
        Answer.objects.filter(model__name=name).update(turns=[f"{name} has no word to say of it but a few"])
    run = queued(benchmark, judge, cache=cache)
    (bill,) = estimate(run).judges
    running.carry_out(run)
    assert (bill.calls, bill.cached) == ((6, 18) if cache else (24, 0))
    assert server.count == bill.calls and progress(run).done == 24
    assert Preference.objects.filter(cached=True).count() == bill.cached


@database
def test_the_estimate_of_a_judge_that_writes_references_holds_the_calls_for_them(server):
    benchmark = answered(4, turns=2)
    benchmark.questions.filter(key="q0").update(reference=["Six.", "Seven."])
    judge = oracle(server, options={"reference": "own"})
    run = queued(benchmark, judge)
    (bill,) = estimate(run).judges
    running.carry_out(run)
    assert (bill.calls, bill.calls_at_most, bill.reference_calls) == (24 + 6, 24 + 6, 6)
    assert server.count == bill.calls and progress(run).done == 24
    assert estimate(run).judges[0].calls_at_most == 0


@database
def test_what_is_alike_is_estimated_once_before_the_reference_is_written_too(server):
    benchmark = answered(2)
    Answer.objects.filter(model__name="Birch").update(turns=["the same"])
    Answer.objects.filter(model__name="Cedar").update(turns=["the same"])
    run = queued(benchmark, oracle(server, options={"reference": "own"}), mode="single")
    (bill,) = estimate(run).judges
    running.carry_out(run)
    assert server.count == bill.calls == bill.calls_at_most == 2 + 4 and bill.cached == 2


@database
def test_two_judges_of_one_model_write_one_reference_between_them(server):
    benchmark = answered(2)
    judge = oracle(server, options={"reference": "own"})
    run = queued(benchmark, judge, namesake(judge, language="zh"), mode="single")
    bills = estimate(run).judges
    running.carry_out(run)
    assert server.count == sum(bill.calls for bill in bills) == 2 + 6 + 6


@database
def test_answers_still_to_be_collected_are_counted_once_for_each_judge_wherever_it_sits(server):
    benchmark = answered(4, models=())
    for name in ("Ash", "Birch"):
        make.model(name, provider="openai", base_url=server.base_url, endpoint_model=name)
    first, second, third = (oracle(server, name) for name in ("first", "second", "third"))
    jury = panel("a jury", first, second)
    steps = panel("a stair", make.judge("rules"), third, second, kind="cascade")
    run = queued(benchmark, jury, steps, first, names=("Ash", "Birch"), collects=True, cache=False)
    told = estimate(run)
    bills = {bill.judge: (bill.calls, bill.calls_at_most) for bill in told.judges}
    running.carry_out(run)
    assert (told.answers, told.answer_calls) == (8, 8)
    assert bills == {"a jury": (0, 0), "a stair": (0, 0), "rules": (0, 0)} | {
        "first": (8, 8),
        "second": (8, 8),
        "third": (0, 8),
    }
    assert asked(server) == {"Ash": 4, "Birch": 4, "first": 8, "second": 8, "third": 8}


@database
def test_a_candidate_that_judges_by_its_own_reference_answers_once(server):
    benchmark = answered(3, models=())
    fields = {"provider": "openai", "base_url": server.base_url, "endpoint_model": "Ash"}
    judge = make.judge("Ash as judge", kind="llm", model=make.model("Ash", **fields), options={"reference": "own"})
    run = queued(benchmark, judge, names=("Ash",), mode="single", collects=True)
    told = estimate(run)
    running.carry_out(run)
    assert (told.answer_calls, told.judges[0].calls) == (3, 3) and server.count == 6


@database
def test_samples_that_may_stop_early_lie_between_the_fewest_and_the_most(server):
    benchmark = answered(4)
    for model in ("Birch", "Cedar"):  # a tie, which two samples do not settle
        Answer.objects.filter(model__name=model, question__key="q0").update(turns=[f"{model} says so"])
    run = queued(benchmark, oracle(server, options={"samples": 3}))
    (bill,) = estimate(run).judges
    running.carry_out(run)
    assert (bill.calls, bill.calls_at_most) == (2 * 24, 3 * 24)
    assert server.count == 2 * 24 + 2 and progress(run).done == 24
    assert {row.asked for row in Preference.objects.all()} == {2, 3}


@database
def test_all_samples_of_a_mark_are_drawn(server):
    run = queued(answered(2), oracle(server, options={"samples": 3}), mode="single")
    (bill,) = estimate(run).judges
    running.carry_out(run)
    assert bill.calls == bill.calls_at_most == server.count == 18


@database
def test_two_judges_that_are_one_are_paid_for_once(server):
    judge = oracle(server)
    run = queued(answered(2), judge, namesake(judge))
    bills = estimate(run).judges
    running.carry_out(run)
    assert server.count == sum(bill.calls for bill in bills) == 12
    assert progress(run).done == 24 and Preference.objects.filter(cached=True).count() == 12


@database
@pytest.mark.parametrize("seed", range(12))
def test_the_estimate_holds_for_runs_of_any_make(server, seed):
    run = any_run(server, Random(seed))
    bills = estimate(run).judges
    server.forget()
    running.carry_out(run)
    fewest, most = sum(bill.calls for bill in bills), sum(bill.calls_at_most for bill in bills)
    assert (reload(run).status, reload(run).error) == ("done", "") and progress(run).failed == 0
    assert fewest <= server.count <= most
    assert sum(bill.calls_at_most for bill in estimate(run).judges) == 0


@database
def test_a_reply_that_could_not_be_read_is_no_reply_to_use_again():
    with openai_server.serve(garble=1) as server:
        judge = oracle(server)
        benchmark = answered(1)
        running.carry_out(queued(benchmark, judge))
    with openai_server.serve() as server:
        LanguageModel.objects.filter(pk=judge.model_id).update(base_url=server.base_url)
        run = queued(benchmark, namesake(judge))
        (bill,) = estimate(run).judges
        running.carry_out(run)
        assert bill.calls == server.count == 6


@database
def test_replies_of_a_dry_run_are_no_replies_of_a_real_one(server):
    benchmark, judge = answered(1), oracle(server)
    running.carry_out(queued(benchmark, judge, provenance="dry_run"))
    server.forget()
    run = queued(benchmark, namesake(judge))
    assert estimate(run).judges[0].calls == 6
    running.carry_out(run)
    assert server.count == 6 and not Preference.objects.filter(cached=True).exists()


# --- what misses the cache


def change(row, **fields) -> None:
    type(row).objects.filter(pk=row.pk).update(**fields)


def answer(letter: str):
    def changed(benchmark, judge, run):
        Answer.objects.filter(model__name="Cedar").update(turns=[letter])

    return changed


SEEN = {
    "a character of the answer": answer("The same worda, and no more."),
    "an answer's case": answer("the same words, and no more."),
    "the question": lambda benchmark, judge, run: benchmark.questions.update(turns=["How long does an egg boil"]),
    "the reference": lambda benchmark, judge, run: benchmark.questions.update(reference=["Six minutes."]),
    "the system prompt": lambda benchmark, judge, run: benchmark.questions.update(system="Be brief."),
    "the rubric's words": lambda benchmark, judge, run: change(run.rubric, instructions_en="Be kind!"),
    "the scale": lambda benchmark, judge, run: change(run.rubric, highest=11),
    "the model": lambda benchmark, judge, run: change(judge.model, endpoint_model="orakle"),
    "the model's name": lambda benchmark, judge, run: change(judge.model, name="orakle-model"),
    "the model's version": lambda benchmark, judge, run: change(judge.model, version="1a"),
    "the model's options": lambda benchmark, judge, run: change(judge.model, options={"temperature": 0.1}),
    "the judge's temperature": lambda benchmark, judge, run: change(judge, options={"sampling": {"temperature": 0.1}}),
    "the form of the reply": lambda benchmark, judge, run: change(judge, options={"schema_bound": True}),
    "the language": lambda benchmark, judge, run: change(judge, options={"language": "zh"}),
    "the samples": lambda benchmark, judge, run: change(judge, options={"samples": 3}),
}
UNSEEN = {
    "the judge's name": lambda benchmark, judge, run: change(judge, name="pythia"),
    "the rubric's name and title": lambda benchmark, judge, run: change(run.rubric, name="kind", title_en="Kind"),
    "other categories": lambda benchmark, judge, run: change(
        run.rubric, variants={"sums": {"instructions_en": "Count."}}
    ),
    "the run's name, seed and limits": lambda benchmark, judge, run: change(
        run, name="x", seed=9, limits={"concurrency": 3}
    ),
    "the price": lambda benchmark, judge, run: change(judge.model, price_in=3, price_out=4),
    "the variable of the key": lambda benchmark, judge, run: change(judge.model, key_env="A_KEY_OF_TESTS"),
    "the limits of the endpoint": lambda benchmark, judge, run: change(judge.model, limits={"concurrency": 2}),
    "the time a call may take": lambda benchmark, judge, run: change(judge.model, options={"timeout": 7}),
    "how often it is asked, and at once": lambda benchmark, judge, run: change(
        judge, options={"attempts": 2, "concurrency": 1}
    ),
    "vendor and family": lambda benchmark, judge, run: change(judge.model, vendor="Else", family="oracles"),
    "who wrote the answer": lambda benchmark, judge, run: change(make.model("Cedar"), name="Elm"),
    "the key and the place of the question": lambda benchmark, judge, run: benchmark.questions.update(
        key="other", position=7
    ),
}


def told_again(server, what) -> int:
    """How many calls the same run makes again after this change, its judgments having been set aside."""
    benchmark = answered(1, models=("Cedar",))
    answer("The same words, and no more.")(benchmark, None, None)
    judge = oracle(server)
    run = queued(benchmark, judge, names=("Cedar",), mode="single")
    running.carry_out(run)
    assert Grade.objects.get().digest and server.count == 1
    server.forget()
    what(benchmark, judge, run)
    Grade.objects.update(superseded_at=timezone.now())
    again = reload(run)
    again.enqueue()
    calls = estimate(again).judges[0].calls
    running.carry_out(again)
    assert (reload(run).status, reload(run).error) == ("done", "") and calls == server.count
    return server.count


@database
@pytest.mark.parametrize("what", SEEN)
def test_what_the_judge_sees_or_is_misses_the_cache(server, what):
    assert told_again(server, SEEN[what]) > 0


@database
@pytest.mark.parametrize("what", UNSEEN)
def test_what_the_judge_neither_sees_nor_is_does_not_miss_the_cache(server, what, monkeypatch):
    monkeypatch.setenv("A_KEY_OF_TESTS", "sesame")
    assert told_again(server, UNSEEN[what]) == 0
    kept = Grade.objects.get(superseded_at=None)
    assert kept.cached and kept.reply == Grade.objects.exclude(pk=kept.pk).get().reply


@database
def test_another_address_of_the_same_model_does_not_miss_the_cache(server):
    with openai_server.serve() as elsewhere:
        moved = lambda benchmark, judge, run: change(judge.model, base_url=elsewhere.base_url)  # noqa: E731
        assert told_again(server, moved) == elsewhere.count == 0


# --- the digest, over many random changes

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
NUMBER = st.integers(1, 9)


@st.composite
def exhibits(draw) -> Exhibit:
    """One or two answers of one to three turns, with or without a reference and a system prompt."""
    turns = draw(st.integers(1, 3))
    texts = st.lists(TEXT, min_size=turns, max_size=turns).map(tuple)
    return Exhibit(
        id=draw(NUMBER),
        turns=draw(texts),
        answers=tuple(draw(texts) for _ in range(draw(st.integers(1, 2)))),
        system=draw(st.just("") | TEXT),
        reference=draw(st.just(()) | texts),
        category="cooking",
        turn=draw(st.integers(0, turns)),
    )


def altered(draw, text: str) -> str:
    """The text with one character changed, put in or taken out."""
    place = draw(st.integers(0, len(text)))
    other = draw(st.characters(codec="utf-8", exclude_characters="\0" + text[place : place + 1]))
    kept = draw(st.booleans()) or place == len(text)
    return text[:place] + other + text[place if kept else place + 1 :]


def with_one(draw, texts: tuple[str, ...], places: range) -> tuple[str, ...]:
    place = draw(st.sampled_from(places))
    return tuple(altered(draw, text) if n == place else text for n, text in enumerate(texts))


def judge_of(*, rubric=None, model=(), **options) -> LLMJudge:
    """The engine of a judge's row, none of whose rows is saved."""
    fields = {"name": "m", "version": "1", "provider": "openai", "endpoint_model": "e", **dict(model)}
    row = Judge(name="j", kind="llm", model=LanguageModel(pk=1, **fields), options=options)
    return engine_of(row, Run(limits={}), rubric or rubric_of(), key=lambda _model: "")


def rubric_of(**fields) -> RubricText:
    levels = (Level(1, {"en": "poor"}), Level(10, {"en": "rich"}))
    dimensions = (Dimension("depth", {"en": "Depth"}, 2.0, levels=levels), Dimension("tone", {"en": "Tone"}))
    variants = {"sums": RubricText("helpful/sums", {"en": "Count."})}
    told = {"instructions": {"en": "Be fair."}, "dimensions": dimensions, "variants": variants}
    return RubricText(**{"name": "helpful", **told, **fields})


def dimension(**fields) -> RubricText:
    first, second = rubric_of().dimensions
    told = {name: getattr(first, name) for name in ("key", "name", "weight", "description", "levels", "veto")}
    return rubric_of(dimensions=(Dimension(**{**told, **fields}), second))


def replaced(exhibit: Exhibit, **fields) -> Exhibit:
    told = {name: getattr(exhibit, name) for name in Exhibit.__dataclass_fields__}
    return Exhibit(**{**told, **fields})


@given(st.data(), exhibits())
def test_one_character_of_what_is_shown_is_another_digest(data, exhibit):
    shown = range(exhibit.turn or len(exhibit.turns))
    draw = data.draw
    what = draw(st.sampled_from(["answer", "question", "system", "reference"]))
    if what == "answer":
        side = draw(st.integers(0, len(exhibit.answers) - 1))
        answers = [with_one(draw, texts, shown) if n == side else texts for n, texts in enumerate(exhibit.answers)]
        other = replaced(exhibit, answers=tuple(answers))
    elif what == "question":
        other = replaced(exhibit, turns=with_one(draw, exhibit.turns, shown))
    elif what == "system":
        other = replaced(exhibit, system=altered(draw, exhibit.system))
    else:
        reference = exhibit.reference or ("Six minutes.",) * len(exhibit.turns)
        exhibit = replaced(exhibit, reference=tuple(f"{text}." for text in reference))
        other = replaced(exhibit, reference=with_one(draw, exhibit.reference, shown))
    assert judge_of().digest(exhibit) != judge_of().digest(other)


OTHERS = [
    {"rubric": rubric_of(instructions={"en": "Be fair!"})},
    {"rubric": rubric_of(instructions={"en": "Be fair.", "zh": "公正。"})},
    {"rubric": rubric_of(lowest=0.0)},
    {"rubric": rubric_of(highest=11.0)},
    {"rubric": rubric_of(dimensions=())},
    {"rubric": dimension(weight=2.5)},
    {"rubric": dimension(key="depths")},
    {"rubric": dimension(name={"en": "Depths"})},
    {"rubric": dimension(description={"en": "How deep."})},
    {"rubric": dimension(veto=3.0)},
    {"rubric": dimension(levels=(Level(1, {"en": "poor"}), Level(10, {"en": "richer"})))},
    {"rubric": dimension(levels=(Level(2, {"en": "poor"}), Level(10, {"en": "rich"})))},
    {"model": {"name": "n"}},
    {"model": {"version": "2"}},
    {"model": {"endpoint_model": "f"}},
    {"model": {"provider": "anthropic"}},
    {"model": {"options": {"temperature": 0}}},
    {"sampling": {"temperature": 1}},
    {"sampling": {"max_tokens": 100}},
    {"schema_bound": True},
    {"language": "zh"},
    {"samples": 3},
    {"verdict": "logprobs", "rubric": rubric_of(dimensions=())},
    {"preset": "auto_j", "rubric": rubric_of(dimensions=())},
    {"scale": "five"},
    {"reference": "none"},
    {"reference": "own"},
]
"""Judges that are all another one than `judge_of()` is, and than each other."""

PAIR = Exhibit(id=1, turns=("How long?",), answers=(("Six.",), ("Seven.",)), reference=("Six.",), category="cooking")


def test_judges_that_differ_in_anything_that_counts_have_digests_of_their_own():
    digests = [judge_of(**other).digest(PAIR).partition(":")[0] for other in [{}, *OTHERS]]
    assert len(set(digests)) == len(digests) and all(len(who) == 16 for who in digests)


def test_how_a_model_is_asked_counts_and_not_whether_its_own_row_or_the_judges_says_so():
    own, judges = {"model": {"options": {"temperature": 0, "top_p": 1}}}, {"sampling": {"temperature": 0, "top_p": 1}}
    both = {"model": {"options": {"temperature": 1, "top_p": 1}}, "sampling": {"temperature": 0}}
    assert len({judge_of(**options).digest(PAIR) for options in (own, judges, both)}) == 1


@given(exhibits(), st.data())
def test_any_change_of_rubric_or_sampling_is_another_digest(exhibit, data):
    draw = data.draw
    words, number = draw(TEXT), draw(st.floats(0.5, 9))
    known, other = draw(
        st.sampled_from(
            [
                ({"instructions": {"en": words}}, {"instructions": {"en": altered(draw, words)}}),
                ({"highest": 10.0 + number}, {"highest": 10.0 + number + draw(st.floats(0.001, 1))}),
                ({"lowest": number - 0.5}, {"lowest": number}),
            ]
        )
    )
    assert judge_of(rubric=rubric_of(**known)).digest(exhibit) != judge_of(rubric=rubric_of(**other)).digest(exhibit)
    key, other_key = (key := draw(TEXT)), altered(draw, key)
    assert judge_of(rubric=dimension(key=key)).digest(exhibit) != judge_of(rubric=dimension(key=other_key)).digest(
        exhibit
    )
    heavier = judge_of(rubric=dimension(weight=number + draw(st.floats(0.001, 1))))
    assert judge_of(rubric=dimension(weight=number)).digest(exhibit) != heavier.digest(exhibit)
    warm = [judge_of(sampling={"temperature": one}) for one in (number, number + 0.25)]
    assert warm[0].digest(exhibit) != warm[1].digest(exhibit)


@given(exhibits(), st.data())
def test_what_a_judge_is_called_and_how_it_is_asked_is_not_in_the_digest(exhibit, data):
    known = judge_of().digest(exhibit)
    draw = data.draw
    model = {
        "base_url": draw(st.sampled_from(["", "http://localhost:1/v1"])),
        "key_env": draw(st.sampled_from(["", "SOME_KEY"])),
        "vendor": draw(TEXT),
        "family": draw(TEXT),
        "price_in": draw(NUMBER),
        "limits": draw(st.sampled_from([{}, {"concurrency": 3}])),
        "options": draw(st.sampled_from([{}, {"timeout": 9}])),
    }
    rubric = rubric_of(name=draw(TEXT), variants=draw(st.sampled_from([{}, {"sums": rubric_of(lowest=2.0)}])))
    other = judge_of(model=model, rubric=rubric, attempts=draw(NUMBER), concurrency=draw(NUMBER))
    alike = replaced(exhibit, id=draw(TEXT), checks=({"type": "number"},), families=(draw(TEXT), ""))
    assert other.digest(alike) == known


def test_a_category_with_a_rubric_of_its_own_has_its_own_digest_and_no_other_changes_it():
    sums = replaced(PAIR, category="sums")
    other = rubric_of(variants={"sums": RubricText("s", {"en": "Count twice."})})
    assert judge_of().digest(PAIR) == judge_of(rubric=other).digest(PAIR)
    assert judge_of().digest(sums) != judge_of(rubric=other).digest(sums)


def test_the_other_way_round_is_another_prompt():
    assert judge_of().digest(PAIR) != judge_of().digest(replaced(PAIR, answers=PAIR.answers[::-1]))


# --- budgets


def with_prices(server, price_in: float | None, price_out: float | None, **options) -> Judge:
    judge = oracle(server, **options)
    priced(judge, price_in, price_out)
    return Judge.objects.get(pk=judge.pk)


@database
@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_a_budget_that_is_spent_pauses_the_run_at_most_one_call_too_late(server, concurrency):
    judge = with_prices(server, 0, 1e6)  # a token of a reply costs 1
    run = queued(answered(6), judge, budget=60.0, limits={"concurrency": concurrency})
    running.carry_out(run)
    run = reload(run)
    dearest = max(Preference.objects.values_list("cost", flat=True))
    assert run.status == "paused" and 60 <= spent(run) < 60 + dearest
    assert run.error == f"the budget of 60 is spent ({spent(run):.4g}); raise it and resume to go on"
    assert server.count == Preference.objects.count() < 36 and not run.lease


@database
def test_a_run_whose_budget_was_raised_goes_on_and_asks_nothing_twice(server):
    judge = with_prices(server, 0, 1e6)
    run = queued(answered(6), judge, budget=60.0)
    running.carry_out(run)
    run.enqueue()
    asked_before = server.count
    running.carry_out(run)
    assert reload(run).status == "paused" and server.count == asked_before, "nothing was added to it"
    assert estimate(run).judges[0].calls == 36 - asked_before
    Run.objects.filter(pk=run.pk).update(budget=1000.0)
    run.enqueue()
    running.carry_out(reload(run))
    assert (reload(run).status, reload(run).error) == ("done", "")
    assert server.count == Preference.objects.count() == 36


@database
def test_a_budget_of_nothing_asks_nobody(server):
    run = queued(answered(1), with_prices(server, 0, 1e6), budget=0.0)
    running.carry_out(run)
    assert reload(run).status == "paused" and server.count == 0


@database
def test_a_budget_needs_prices_and_says_so_before_anybody_is_asked(server):
    run = queued(answered(1), with_prices(server, 3, None), budget=5.0)
    running.carry_out(run)
    wanted = "a budget needs prices, and model oracle-model has none"
    assert (reload(run).status, reload(run).error, server.count) == ("failed", wanted, 0)


@database
def test_models_that_cost_nothing_are_asked_whatever_the_budget(server):
    run = queued(answered(1), with_prices(server, 0, 0), budget=0.0)
    running.carry_out(run)
    assert (reload(run).status, server.count, spent(run)) == ("done", 6, 0)


@database
def test_a_judge_that_costs_nothing_is_asked_over_one_connection_beside_one_that_is_paid(server, monkeypatch):
    """The budget is no reason to feed it call by call."""
    opened, real = [], LLMJudge.judge
    monkeypatch.setattr(LLMJudge, "judge", lambda self, fed: (opened.append(self.identity["name"]), real(self, fed))[1])
    paid, free = with_prices(server, 0, 1e6), with_prices(server, 0, 0, name="free")
    run = queued(answered(4), free, paid, budget=1e9)
    running.carry_out(run)
    assert Counter(opened)["free-model"] == 1 and run.preferences.filter(judge=free).count() == 24
    assert reload(run).status == "done"


@database
def test_a_judge_that_costs_nothing_takes_nothing_from_the_price_that_others_are_reckoned_by(server):
    free, paid = with_prices(server, 0, 0, name="free"), with_prices(server, 0, 1e6)
    run = queued(answered(6), free, paid, budget=60.0, limits={"concurrency": 8})
    running.carry_out(run)
    dearest = max(Preference.objects.filter(judge=paid).values_list("cost", flat=True))
    assert reload(run).status == "paused" and 60 <= spent(run) < 60 + dearest
    assert Preference.objects.filter(judge=free).count() == 36


@pytest.mark.parametrize("first", [None, 0.0])
def test_a_call_that_cost_nothing_or_nobody_knows_what_tells_no_price(first):
    """A first call that failed, or was not made at all: the next is asked for alone, too."""
    purse = Purse(10.0)
    feed = Feed(range(9), purse)
    next(feed)
    feed.arrived([first])
    assert purse.allows(0) and not purse.allows(1)
    next(feed)
    feed.arrived([4.0])
    assert purse.allows(0) and not purse.allows(1), "six are left, and two would take eight"


@database
def test_members_of_a_panel_need_prices_too(server):
    dear, unpriced = with_prices(server, 0, 1e6), with_prices(server, None, None, name="second")
    run = queued(answered(1), panel("jury", dear, unpriced), budget=5.0)
    running.carry_out(run)
    assert "model second-model has none" in reload(run).error and server.count == 0


@database
def test_replies_on_record_cost_nothing_and_fit_into_any_budget(server):
    benchmark, judge = answered(2), with_prices(server, 0, 1e6)
    running.carry_out(queued(benchmark, judge))
    server.forget()
    run = queued(benchmark, namesake(judge), budget=1e-6)
    running.carry_out(run)
    assert reload(run).status == "done" and server.count == 0 and spent(run) == 0
    assert set(run.preferences.values_list("cost", "cached", "asked")) == {(0.0, True, 0)}


@database
def test_references_of_a_judges_own_are_paid_from_the_budget_and_not_forgotten(server):
    judge = with_prices(server, 0, 1e6, options={"reference": "own"})
    run = queued(answered(6), judge, budget=40.0)
    running.carry_out(run)
    paid = sum(Answer.objects.filter(model=judge.model).values_list("tokens_out", flat=True))
    assert reload(run).status == "paused" and paid >= 40 and not Preference.objects.exists()
    before = server.count
    run.enqueue()
    running.carry_out(run)
    assert reload(run).status == "paused" and server.count == before


@database
def test_answers_are_paid_from_the_same_budget_as_verdicts(server):
    benchmark = answered(6, models=())
    for name in ("Ash", "Birch"):
        make.model(name, provider="openai", base_url=server.base_url, endpoint_model=name, price_in=0, price_out=1e6)
    judge = with_prices(server, 0, 1e6)
    run = queued(benchmark, judge, names=("Ash", "Birch"), collects=True, budget=70.0)
    running.carry_out(run)
    assert reload(run).status == "paused" and asked(server)["oracle"] == 0
    answers = Answer.objects.count()
    assert 0 < answers < 12 and sum(Answer.objects.values_list("tokens_out", flat=True)) >= 70
    Run.objects.filter(pk=run.pk).update(budget=1000.0)
    run.enqueue()
    running.carry_out(reload(run))
    assert reload(run).status == "done" and Answer.objects.count() == 12 and Preference.objects.count() == 12


@given(st.lists(st.floats(1, 3), min_size=1, max_size=60), st.floats(1, 40), st.integers(1, 12))
def test_calls_are_handed_out_only_while_the_dearest_so_far_would_fit(costs, budget, concurrency):
    """However many are asked for at once, what is overrun is less than the calls under way could cost more than foreseen."""
    purse = Purse(budget)
    feed = Feed(costs, purse)
    under_way: list[float] = []
    while True:
        while len(under_way) < concurrency and (one := next(feed, None)) is not None:
            under_way.append(one)
            assert len(under_way) == 1 or len(under_way) * purse.dearest <= budget - purse.spent
        if not under_way:
            break
        feed.arrived([under_way.pop(0)])
    assert not feed.left or purse.spent >= budget
    if len(set(costs)) == 1:
        assert purse.spent < budget + costs[0]


# --- conversations that were begun


@database
def test_a_turn_that_an_earlier_go_paid_for_is_neither_estimated_nor_paid_again(server):
    benchmark = make.benchmark()
    question = make.question(benchmark, "q1", "How long does an egg boil?", "And a large one?")
    fields = {"provider": "openai", "base_url": server.base_url, "endpoint_model": "vocabulary"}
    model = make.model("Ash", **fields, price_in=1e6, price_out=1e6)
    told = {"finish": "stop", "tokens_in": 40, "tokens_out": 2, "first_token_s": None, "seconds": 1.0, "attempts": 1}
    said = {"role": "assistant", "text": "Six minutes.", "reasoning": "", **told}
    trace = [{"role": "user", "text": question.turns[0]}, said]
    failed = {"turns": [], "error": "HTTP 500: later", "trace": trace, "tokens_in": 40, "tokens_out": 2}
    Answer.objects.create(question=question, model=model, **failed)
    run = queued(benchmark, make.judge("rules"), names=["Ash"], mode="single", collects=True)
    assert (estimate(run).answers, estimate(run).answer_calls) == (1, 1)
    go = Go(run, lambda: None, Purse(budget=1e9))
    collect_from(go, model, benchmark.questions.all())
    answer = Answer.objects.ok().get()
    assert server.count == 1 and answer.turns[0] == "Six minutes."
    assert go.purse.spent_now == answer.tokens_in + answer.tokens_out - 42 > 0
