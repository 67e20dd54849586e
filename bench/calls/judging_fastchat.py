"""FastChat's own `gen_judgment`, with its thread pool, on our questions: pairwise, both orders, as many calls as ours.

    PEERS_PYTHON -m bench.calls.judging_fastchat PROMPTS BASE_URL CONCURRENCY     # a JSON line out

Its script runs as it is, in a folder of its own. Two things are put in its way, which judging does not touch: the module
that loads models (it imports torch), and the file of prompts, which the released package does not carry. Ours has the
size and the fences of our prompt, so that the mock endpoint judges it likewise.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import resource
import runpy
import sys
import tempfile
import time
import types
from pathlib import Path

JUDGE = "vocabulary"
FENCE = "0123456789abcdef"
USER = "\n\n".join(
    f"<<<{label} {FENCE}>>>\n{{{name}}}\n<<<END {label} {FENCE}>>>"
    for label, name in (("QUESTION", "question"), ("ANSWER A", "answer_a"), ("ANSWER B", "answer_b"))
)


def without_models() -> None:
    """Stand in for `fastchat.model.model_adapter`."""
    from fastchat.conversation import get_conv_template

    package, adapter = types.ModuleType("fastchat.model"), types.ModuleType("fastchat.model.model_adapter")
    adapter.get_conversation_template = lambda _model: get_conv_template("chatgpt")
    adapter.OPENAI_MODEL_LIST, adapter.ANTHROPIC_MODEL_LIST = (JUDGE,), ()
    package.model_adapter = adapter
    sys.modules |= {"fastchat.model": package, "fastchat.model.model_adapter": adapter}


def write(told: dict) -> None:
    """What its script reads, under the working folder."""
    bench, prompts = Path("data/mt_bench"), Path("data/judge_prompts.jsonl")
    for folder in (bench / "model_answer", bench / "reference_answer"):
        folder.mkdir(parents=True)
    names = ("pair-v2", "pair-math-v1", "pair-v2-multi-turn", "pair-math-v1-multi-turn")
    how = {
        "type": "pairwise",
        "system_prompt": told["system"],
        "prompt_template": f"{USER}\n\nEnd with [[A]], [[B]] or [[C]].",
        "output_format": "[[A]]",
    }
    prompts.write_text("".join(json.dumps({"name": name, **how}) + "\n" for name in names))
    questions = [{"question_id": k, "category": "bench", "turns": [text]} for k, text in enumerate(told["questions"])]
    (bench / "question.jsonl").write_text("".join(json.dumps(one) + "\n" for one in questions))
    for name, texts in told["answers"].items():
        rows = [{"question_id": k, "model_id": name, "choices": [{"turns": [text]}]} for k, text in enumerate(texts)]
        (bench / "model_answer" / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))


def peak() -> float:
    """Megabytes at the high-water mark of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    path, base_url, concurrency = sys.argv[1:]
    told = json.loads(Path(path).read_text())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write(told)
        without_models()
        import openai
        from fastchat.llm_judge import common  # noqa: F401  imported before the clock starts

        openai.api_base, openai.api_key = base_url, "none"
        builtins.input = lambda *_: ""
        first, *_ = told["answers"]
        sys.argv = ["gen_judgment", "--mode", "pairwise-baseline", "--judge-model", JUDGE, "--baseline-model", first]
        sys.argv += ["--parallel", concurrency, "--judge-file", "data/judge_prompts.jsonl"]
        before = time.process_time()
        with (
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            runpy.run_module("fastchat.llm_judge.gen_judgment", run_name="__main__")
        cpu, ended = time.process_time() - before, time.time()
        (out,) = Path("data/mt_bench/model_judgment").glob("*.jsonl")
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        winners = [row[name] for row in rows for name in ("g1_winner", "g2_winner")]
        os.chdir("/")
    ok = sum(winner != "error" for winner in winners)
    print(json.dumps({"ended": ended, "ok": ok, "cpu": cpu, "peak": peak()}))


if __name__ == "__main__":
    main()
