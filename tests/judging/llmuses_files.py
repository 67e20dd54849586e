"""The three recipes that llmuses ships, adapted to the four answer files that are here; everything else as published."""

from __future__ import annotations

from pathlib import Path

import yaml

MODELS = {
    "chatglm2-6b": "answer_chatglm2-6b.jsonl",
    "gpt-3.5-turbo": "answer_gpt35.jsonl",
    "llama2-7b": "answer_llama2-7b.jsonl",
    "text_davinci_003": "answer_text_davinci_003.jsonl",
}
BASELINE = "text_davinci_003"


def adapted(shared: Path, name: str, folder: Path, **args) -> Path:
    """llmuses's `cfg_<name>.yaml` with paths to the data here and both orders where pairs are judged, in `folder`."""
    data = shared / "data" / "llmuses"
    recipe = yaml.safe_load((data / f"cfg_{name}.yaml").read_text(encoding="utf-8"))
    recipe["question_file"] = str(data / "question.jsonl")
    like = next(iter(recipe["answers_gen"].values()))
    recipe["answers_gen"] = {
        model: {**like, "output_file": str(data / "answers" / file)}
        for model, file in MODELS.items()
        if model != BASELINE or name == "arena"
    }
    reviews = recipe["reviews_gen"]
    if "single" not in name:
        reviews["reviewer"]["args"]["position_bias_mitigation"] = "swap_position"
    reviews["reviewer"]["args"].update(args)
    if reviews["target_answers"]:
        wanted = MODELS.values() if name == "single" else [file for model, file in MODELS.items() if model != BASELINE]
        reviews["target_answers"] = [str(data / "answers" / file) for file in wanted]
    if "baseline_file" in reviews:
        reviews["baseline_file"] = str(data / "answers" / MODELS[BASELINE])
    file = folder / f"cfg_{name}.yaml"
    file.write_text(yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return file
