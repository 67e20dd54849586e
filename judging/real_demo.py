"""The real demo: a 135-million-parameter model answers at three temperatures; rules judge it, and it judges itself."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.conf import settings
from django.db import transaction

from arena.loading import FORMATS, Report, write
from arena.loading.writing import Target
from arena.local_server import ALIAS, small_model
from arena.models import Benchmark, LanguageModel, Provenance
from arena.stopping import ctrl_c
from judging.judges.rules import validate_check
from judging.models import Judge, Run
from judging.preparing import standard_rubric
from judging.progress import progress, without_verdict
from judging.running import carry_out_in_turn

FOLDER = settings.BASE_DIR / "fixtures" / "real"
NAME = "real-demo"
TEMPERATURES = (0.0, 0.7, 1.3)
JUDGED = 16  # questions that the small judge sees: each of its prompts takes the little machine about two seconds
SOURCE = {"vendor": "Hugging Face", "family": "SmolLM2", "licence": "Apache-2.0", "provider": "openai"}


def carry_out_real_demo(say: Callable[[str], None], *, limit: int | None = None) -> Benchmark:
    """Collect, judge, keep; what is there already is not done again. Raises NotInstalled, OSError, RuntimeError."""
    benchmark = _questions()
    with small_model() as base_url:
        say(f"SmolLM2-135M is up, through llama.cpp's server at {base_url}")
        models = [_contestant(temperature, base_url) for temperature in TEMPERATURES]
        for run in _runs(benchmark, models, _judge(base_url), limit=limit):
            _work(run, say)
    return benchmark


@transaction.atomic
def _questions() -> Benchmark:
    report = Report()
    batch = FORMATS["juryroom"]([FOLDER / "questions.jsonl"], report)
    batch.categories = json.loads((FOLDER / "categories.json").read_text(encoding="utf-8"))
    target = Target(
        NAME, "1", "Real demo: what 135 million parameters know", "真实演示：1.35 亿参数知道些什么", Provenance.REAL
    )
    return write(batch, target, report, check_problems=validate_check)


def _contestant(temperature: float, base_url: str) -> LanguageModel:
    return LanguageModel.objects.update_or_create(
        name=f"SmolLM2-135M at temperature {temperature:g}",
        version="Q4_1",
        defaults={
            **SOURCE,
            "endpoint_model": ALIAS,
            "base_url": base_url,
            "options": {"temperature": temperature, "max_tokens": 48},
        },
    )[0]


def _judge(base_url: str) -> Judge:
    model = LanguageModel.objects.update_or_create(
        name="SmolLM2-135M as judge",
        version="Q4_1",
        defaults={
            **SOURCE,
            "endpoint_model": ALIAS,
            "base_url": base_url,
            "options": {"temperature": 0, "max_tokens": 64},
        },
    )[0]
    return Judge.objects.get_or_create(
        name=model.name, version=1, defaults={"kind": Judge.Kind.LLM, "model": model, "options": {"schema_bound": True}}
    )[0]


def _runs(benchmark: Benchmark, models: list[LanguageModel], judge: Judge, *, limit: int | None) -> list[Run]:
    rules = Judge.objects.get_or_create(name="Rules", version=1, defaults={"kind": Judge.Kind.RULE})[0]
    recipes = (
        ("Real demo: answers, marked by rules", Run.Mode.SINGLE, rules, Run.Order.FIXED, limit),
        ("Real demo: rules on pairs", Run.Mode.PAIRWISE, rules, Run.Order.FIXED, limit),
        ("Real demo: SmolLM2 judges itself", Run.Mode.PAIRWISE, judge, Run.Order.BOTH, min(limit or JUDGED, JUDGED)),
    )
    runs = []
    for name, mode, one, order, questions in recipes:
        limits = {"concurrency": 4, **({"questions": questions} if questions else {})}
        same = {"name": name, "benchmark": benchmark, "mode": mode, "rubric": standard_rubric(mode), "limits": limits}
        run = Run.objects.filter(**same).first() or Run.objects.create(**same, order=order, collects=True)
        run.candidates.set(models)
        run.judges.set([one])
        run.enqueue()
        runs.append(run)
    return runs


def _work(run: Run, say: Callable[[str], None]) -> None:
    told = [0]

    def watch(run: Run) -> None:
        heard()
        now = progress(run)
        done = now.answers.done + now.done
        if done - told[0] >= 40:
            told[0] = done
            say(f"  {run.name}: {now.answers.done} answers, {now.done} judgments")

    with ctrl_c() as heard:
        carry_out_in_turn(run, watch=watch, waiting=say)
    if run.status != Run.Status.DONE:
        raise RuntimeError(f"{run.name} is {run.get_status_display()}: {run.error or 'start it again to go on'}")
    now = progress(run)
    for line in now.lines:
        say(f"{run.name}: {line.done} judgments" + without_verdict(line, now.skips))
