"""llmuses's YAML as it is: its keys are mapped to ours one by one, and what has no effect here is said."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from arena.loading.llmuses import model_of
from arena.loading.records import UNSTATED, ModelRecord, Report, rows_of
from arena.models import Benchmark, LanguageModel
from arena.withholding import is_secret_in_address
from judging.recipes.judges import LARGEST_SEED
from judging.recipes.lines import Section
from judging.recipes.recipe import LONGEST_JUDGE, LONGEST_RUN, JudgeSpec, ModelSpec, Recipe

MODES = {"single": "single", "pairwise": "pairwise", "pairwise_baseline": "baseline"}
ORDERS = {"swap_position": "both", "randomize_order": "random", "": "fixed"}
REVIEWERS = ("AutoReviewerGpt4",)
PRECISIONS = ("torch.float16", "torch.bfloat16", "torch.float32", "auto")
PARSERS = ("lmsys_parser", "ranking_parser")
METRICS = ("elo", "pairwise", "score")
IGNORED = ("precision", "generation_config", "template_type")
USED = ("model_id_or_path", "revision", "output_file")
NO_EFFECT = "has no effect here: {}"


def is_llmuses(top: Section) -> bool:
    """Whether these are llmuses's keys."""
    return "answers_gen" in top or "reviews_gen" in top


def read_llmuses(top: Section, file: Path) -> Recipe:
    """The recipe that such a file describes; problems go to the section's report."""
    notes: list[str] = []
    questions = top.paths("question_file") or top.paths("questions_file")
    if not questions:
        top.problem("question_file", "is missing")
    models = _models(top.section("answers_gen"), notes)
    reviews = top.section("reviews_gen", required=True)
    mode, order, seed, judge, chosen, baseline = (
        _reviews(reviews, notes) if reviews else ("pairwise", "both", Recipe.seed, None, [], None)
    )
    if chosen:
        models = [_model_of_file(path, models) for path in chosen]
    if baseline and baseline.name not in [model.name for model in models]:
        models.append(baseline)
    name = _rating(top.section("rating_gen") or top.section("elo_rating"), notes)
    baseline_name = (baseline.name if baseline else name) if mode == "baseline" else ""
    if mode == "baseline" and baseline_name not in [model.name for model in models]:
        top.problem(
            "rating_gen",
            f"the baseline {baseline_name!r} is not one of the models" if baseline_name else "names no baseline",
        )
    top.taken |= {"question_file", "questions_file", "rating_gen", "elo_rating"}
    benchmark = questions[0].parent.name if questions else ""
    top.check_length("question_file", benchmark, Benchmark.name.field.max_length)
    top.finish()
    return Recipe(
        name=file.stem[:LONGEST_RUN],
        file=str(file),
        mode=mode,
        benchmark=benchmark,
        format="llmuses",
        questions=questions,
        models=models,
        baseline=baseline_name,
        judges=[judge] if judge else [],
        order=order,
        seed=seed,
        stages=("answers", "judgments", "ratings") if judge else ("answers",),
        notes=notes,
    )


def _models(section: Section | None, notes: list[str]) -> list[ModelSpec]:
    if section is None:
        return []
    models = []
    for name in section.names():
        about = section.section(name)
        if about is None:
            continue
        enabled = about.take("enable", bool, True)
        section.check_length(name, name, LanguageModel.name.field.max_length)
        args = _args(about)
        model_id = args.text("model_id_or_path", longest=LanguageModel.vendor.field.max_length)
        revision = args.text("revision", longest=LanguageModel.version.field.max_length) or UNSTATED
        args.one_of("precision", PRECISIONS), args.section("generation_config"), args.take("template_type", str)
        unused = IGNORED if args is about else [key for key in args.names() if key not in USED]
        for key, place in (("ref", about), *((key, args) for key in unused)):
            if key in place:
                notes.append(f"{place.path}.{key} {NO_EFFECT.format('answers come from the file')}")
        told_in = about if "output_file" in about else args
        files = told_in.paths("output_file") if enabled else []
        about.taken |= {"output_file", "ref"}
        about.finish()
        if not enabled:
            notes.append(f"answers_gen.{name}: enable is false, left out")
            continue
        if not files:
            about.problem("output_file", "is missing: answers come from this file")
        vendor = model_id.split("/")[0] if "/" in model_id else UNSTATED
        models.append(ModelSpec(name, revision, vendor, answers=files, line=section.lines[name], place=about.path))
    return models


def _args(about: Section) -> Section:
    """Where a model's facts stand: in files of June 2023 under `args`, beside the class that is to answer (`ref`)."""
    return (about.section("args") if "args" in about else None) or about


def _reviews(section: Section, notes: list[str]):
    """Mode, order, seed, judge, chosen answer files and the baseline's model."""
    enabled = section.take("enable", bool, True)
    reviewer = section.section("reviewer", required=True)
    mode, order, seed, judge = _reviewer(reviewer, notes) if reviewer else ("pairwise", "both", Recipe.seed, None)
    chosen = section.paths("target_answers")
    baselines = section.paths("baseline_file")
    if references := section.paths("reference_file"):
        notes.append(
            f"reviews_gen.reference_file {NO_EFFECT.format('references come with the questions')} ({references[0].name})"
        )
    for name, why in (
        ("prompt_file", "the judge is asked with Juryroom's own prompts"),
        ("review_file", "verdicts are kept in the database"),
        ("cache_file", "verdicts are kept in the database"),
    ):
        if section.take(name, str):
            notes.append(f"reviews_gen.{name} {NO_EFFECT.format(why)}")
    section.finish()
    if not enabled:
        notes.append("reviews_gen: enable is false, nothing is judged")
    judge = judge if enabled else None
    return mode, order, seed, judge, chosen, _model_of_file(baselines[0], []) if baselines else None


def _reviewer(section: Section, notes: list[str]) -> tuple[str, str, int, JudgeSpec]:
    reference = section.take("ref", str, "")
    if reference and reference.rpartition(":")[2] not in REVIEWERS:
        section.problem(
            "ref", f"names {reference!r}; known: {', '.join(REVIEWERS)} (nothing is ever imported from a file)"
        )
    args = section.section("args", required=True)
    section.finish()
    if args is None:
        return "pairwise", "both", Recipe.seed, JudgeSpec("gpt-4", "llm")
    mode = MODES[args.one_of("mode", MODES, "pairwise")]
    order = ORDERS[args.one_of("position_bias_mitigation", ORDERS, "")]
    if args.one_of("fn_completion_parser", PARSERS):
        notes.append(
            f"{args.path}.fn_completion_parser {NO_EFFECT.format('one parser reads the replies of every judge')}"
        )
    if "model" not in args:
        notes.append("reviews_gen.reviewer.args.model is missing: gpt-4, as llmuses does")
    name = args.text("model", "gpt-4", longest=LONGEST_JUDGE)
    options = {
        "temperature": args.number("temperature", float, 0, lowest=0),
        "max_tokens": args.number("max_tokens", int, 1024, lowest=1),
    }
    seed = args.number("random_seed", int, Recipe.seed, lowest=0, highest=LARGEST_SEED)
    args.finish()
    model = ModelSpec(
        name,
        UNSTATED,
        "OpenAI" if name.startswith("gpt") else UNSTATED,
        provider="openai",
        model=name,
        base_url=_address(args),
        key_env="OPENAI_API_KEY",
        options=options,
        line=args.lines.get("model", args.line),
        place=f"{args.path}.model",
    )
    return mode, order, seed, JudgeSpec(name, "llm", model)


def _address(args: Section) -> str:
    """Where OPENAI_BASE_URL says that the reviewer answers; an address with a key in it is a problem, and is not kept."""
    address = os.environ.get("OPENAI_BASE_URL", "")
    if is_secret_in_address(address):
        args.problem("model", "the address in OPENAI_BASE_URL holds a password or a key; name it in OPENAI_API_KEY")
        return ""
    return address


def _rating(section: Section | None, notes: list[str]) -> str:
    """The name of the baseline model, if the section has one."""
    if section is None:
        return ""
    if not section.take("enable", bool, True):
        notes.append("rating_gen: enable is false; ratings are computed all the same, from what is on record")
    metrics = section.take("metrics", list, [])
    for metric in metrics:
        if metric not in METRICS:
            section.problem("metrics", f"holds {metric!r}, not one of {', '.join(METRICS)}")
    if metrics:
        notes.append(f"rating_gen.metrics {NO_EFFECT.format('`leaderboard --method` says what the board is rated by')}")
    if section.take("report_file", str):
        notes.append(f"rating_gen.report_file {NO_EFFECT.format('`leaderboard --format csv` prints the board')}")
    baseline = section.take("baseline_model", str, "")
    section.finish()
    return baseline


def _model_of_file(path: Path, models: list[ModelSpec]) -> ModelSpec:
    """The model whose answers a file holds: as answers_gen has it, else as the file's first row says."""
    for model in models:
        if path in model.answers:
            return model
    first = next(rows_of(path, Report()), None) if path.exists() else None
    record = model_of(str(first.values.get("model_id", ""))) if first else ModelRecord(path.stem)
    return replace(ModelSpec(record.name, record.version, record.vendor), answers=[path])
