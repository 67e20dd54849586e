"""Runs whose judges are asked over real HTTP: small makers of questions and answers, and counts of what was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from arena.models import Answer, Benchmark, LanguageModel
from judging import running
from judging.models import Judge, Run, Seat
from tests import openai_server
from tests.judging import recorded as make

MODELS = ("Ash", "Birch", "Cedar")


def answered(questions: int = 4, *, models: Sequence[str] = MODELS, turns: int = 1, samples: int = 1) -> Benchmark:
    """Questions that these models answered, so that no two prompts of a judge are the same; later models have more words."""
    benchmark = make.benchmark()
    rows = []
    for number in range(questions):
        texts = [f"How long does egg {number} boil, part {turn}?" for turn in range(1, turns + 1)]
        question = make.question(benchmark, f"q{number}", *texts)
        for place, name in enumerate(models):
            for sample in range(samples):
                said = [words(5 + 20 * place, number, turn, sample) for turn in range(1, turns + 1)]
                rows.append(make.answer(question, make.model(name), *said, sample=sample))
    Answer.objects.bulk_create(rows)
    return benchmark


def words(count: int, *marks: int) -> str:
    """A text of so many different words, and one more that these marks make another one."""
    return " ".join([*(f"word{n}" for n in range(count)), "x".join(map(str, ("mark", *marks)))])


def oracle(server: openai_server.Served, name: str = "oracle", *, options: dict | None = None, **fields: Any) -> Judge:
    """A language model as judge that this server plays; the server is asked for the judge's own name."""
    fields = {"provider": "openai", "base_url": server.base_url, "endpoint_model": name, **fields}
    return make.judge(name, kind="llm", model=make.model(f"{name}-model", **fields), options=options or {})


def namesake(judge: Judge, name: str = "namesake", **options: Any) -> Judge:
    """The same model under another judge's name."""
    return make.judge(name, kind="llm", model=judge.model, options={**judge.options, **options})


def panel(name: str, *members: Judge, kind: str = "panel", weights: Sequence[float] = (), **options: Any) -> Judge:
    """A panel of these judges, or with `kind` "cascade" one that asks them in this order."""
    made = make.judge(name, kind=kind, options=options)
    seats = zip(members, weights or [1.0] * len(members), strict=True)
    Seat.objects.bulk_create(
        Seat(panel=made, member=member, weight=weight, position=n) for n, (member, weight) in enumerate(seats)
    )
    return made


def queued(benchmark: Benchmark, *judges: Judge, names: Sequence[str] = MODELS, **fields: Any) -> Run:
    """A queued run of these models."""
    return make.run(benchmark, *names, judges=judges, **{"status": "queued", **fields})


def by_mode(benchmark: Benchmark, mode: str, *judges: Judge, **fields: Any) -> Run:
    """As queued, in a mode; the first model is the baseline."""
    return queued(benchmark, *judges, mode=mode, baseline=make.model("Ash") if mode == "baseline" else None, **fields)


def any_run(server: openai_server.Served, luck: Random) -> Run:
    """A run of any make: modes, orders, turns and samples; judges that are one, sit in panels and cascades, write references;
    answers that are alike, of the judge's family, or of a category that the rubric has nothing for; half on record."""
    turns, samples = luck.choice([1, 2]), luck.choice([1, 1, 2])
    benchmark = answered(luck.choice([1, 2, 3]), turns=turns, samples=samples)
    if luck.random() < 0.5:
        alike = Answer.objects.filter(model__name__in=luck.sample(["Ash", "Birch", "Cedar"], 2))
        alike.update(turns=["the same"] * turns)
    if luck.random() < 0.3:
        # with a reference, or judges would write theirs, which nobody knows beforehand to be alike
        benchmark.questions.update(turns=["How long does an egg boil?"] * turns, reference=["Six."] * turns)
    if luck.random() < 0.3:
        benchmark.questions.filter(key="q0").update(reference=["Six."] * turns, category=make.category("sums"))
    if luck.random() < 0.3:
        LanguageModel.objects.filter(name="Ash").update(family="trees")
    narrow = {"variants": {"cooking": {"instructions_en": "Taste it."}}, "only_variants": luck.random() < 0.5}
    options = [{}, {"samples": 3}, {"reference": "own"}, {"schema_bound": True}, {"reference": "own", "samples": 2}]
    models = [
        oracle(server, f"j{n}", family=luck.choice(["", "Trees"]), options=luck.choice(options)) for n in range(3)
    ]
    known = [*models, namesake(luck.choice(models)), make.judge("rules"), make.judge("dry", kind="dry_run")]
    for number in range(luck.choice([0, 1, 2, 3])):
        kind = luck.choice(["panel", "cascade"])
        known.append(panel(f"{luck.choice('az')}{number}", *luck.sample(known, luck.choice([2, 3])), kind=kind))
    baseline = (
        {"baseline": make.model("Ash")}
        if (mode := luck.choice(["single", "baseline", "pairwise"])) == "baseline"
        else {}
    )
    fields = {
        "mode": mode,
        "turns": luck.choice(["whole", "each"]),
        "order": luck.choice(["both", "random", "balanced", "fixed"]),
        "rubric": make.rubric("narrow", **narrow) if luck.random() < 0.3 else make.rubric(),
        **baseline,
    }
    for judge in luck.sample(known, luck.choice([0, 0, 1, 2])):
        running.carry_out(queued(benchmark, judge, **fields, limits={"questions": luck.choice([1, 2])}))
    limits = {"samples": samples} if samples > 1 else {}
    limits |= {"pairs": luck.choice([1, 2])} if mode == "pairwise" and luck.random() < 0.5 else {}
    judges = luck.sample(known, luck.choice([1, 2, 3]))
    return queued(benchmark, *judges, **fields, limits=limits, cache=luck.random() < 0.8)


def reload(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def asked(server: openai_server.Served) -> Counter[str]:
    """How often each model was asked, by the name the server knows it by."""
    return Counter(call.body["model"] for call in server.calls if call.path == openai_server.CHAT)


def prompts(server: openai_server.Served) -> list[str]:
    """The last message of every call."""
    return [call.body["messages"][-1]["content"] for call in server.calls]


def priced(judge: Judge, price_in: float | None, price_out: float | None) -> None:
    """Give the judge's model these prices, per million tokens."""
    LanguageModel.objects.filter(pk=judge.model_id).update(price_in=price_in, price_out=price_out)


@contextmanager
def saying(text: str) -> Iterator[openai_server.Served]:
    """A server that says the same to everybody."""
    with saying_by(lambda _body: text) as server:
        yield server


@contextmanager
def saying_by(reply: Callable[[dict[str, Any]], str]) -> Iterator[openai_server.Served]:
    """A server that says what this makes of a request's body."""
    record = openai_server.Record()

    async def app(scope, receive, send) -> None:
        body = openai_server._loads(await openai_server.read_body(receive))
        text = reply(body)
        record.add(openai_server.Call(scope["path"], body, {}, 200, "ok", True, 1, 0.0), None)
        usage = openai_server._usage(body, text)
        await openai_server.send_json(send, 200, openai_server._completion(body, text, usage))

    with openai_server.run_app(app) as address:
        yield openai_server.Served(f"{address}/v1", record)
