"""Our own rubrics: one for two answers, one for a single answer."""

from __future__ import annotations

from collections.abc import Mapping

from judging.judges.base import Dimension, RubricText

PAIR_RUBRIC = RubricText(
    name="general pair",
    instructions={
        "en": "Prefer the answer whose facts and reasoning are right and that does what was asked, in the form that was "
        "asked. A plain answer that is right beats a polished one that is wrong or makes things up. Where declining is "
        "right, a short, kind refusal with a way forward is best; where it is not, refusing is a failure. Call it even "
        "only if you would not mind which one you got.",
        "zh": "优先选择事实和推理正确、并且按要求的形式完成了任务的回答。朴素但正确的回答，胜过精致却有错或编造内容的回答。"
        "该拒绝的请求，简短、友善并指明出路的拒绝最好；不该拒绝却拒绝，是失败。只有得到哪一个都无所谓时，才判为不分高下。",
    },
)

SINGLE_RUBRIC = RubricText(
    name="general single",
    instructions={
        "en": "Mark each dimension on its own: a fault in one is no reason to lower another. The middle of the scale is "
        "an answer one can use after mending it; the top is one that an expert would send as it is.",
        "zh": "每个维度单独打分：一个维度上的缺点，不应拉低另一个维度。中间分表示修改后可以使用的回答；最高分表示专家会原样采用的回答。",
    },
    dimensions=(
        Dimension(
            key="correctness",
            name={"en": "Correctness", "zh": "正确性"},
            weight=0.4,
            description={
                "en": "Facts, reasoning, numbers and code are right; nothing is made up; doubt is admitted where it is due.",
                "zh": "事实、推理、数字和代码正确；没有编造；该存疑处承认不确定。",
            },
        ),
        Dimension(
            key="helpfulness",
            name={"en": "Helpfulness", "zh": "有用性"},
            weight=0.25,
            description={
                "en": "It solves what the person really needs, completely and safely, without what they have no use for.",
                "zh": "完整、稳妥地解决用户真正的需要，没有多余的内容。",
            },
        ),
        Dimension(
            key="instruction",
            name={"en": "Following the instruction", "zh": "遵循指令"},
            weight=0.2,
            description={
                "en": "It keeps to every stated wish: task, form, length, language, role, what to leave out.",
                "zh": "遵守每一项明确的要求：任务、形式、长度、语言、角色以及不该写的内容。",
            },
        ),
        Dimension(
            key="expression",
            name={"en": "Expression", "zh": "表达"},
            weight=0.15,
            description={
                "en": "It is clear, well ordered, natural in its language, and in a tone that fits the situation.",
                "zh": "清楚、有条理、语言自然，语气合乎情境。",
            },
        ),
    ),
)

DEFAULT_RUBRICS: Mapping[str, RubricText] = {
    "single": SINGLE_RUBRIC,
    "baseline": PAIR_RUBRIC,
    "pairwise": PAIR_RUBRIC,
    "pair": PAIR_RUBRIC,
}


def default_rubric(mode: str) -> RubricText:
    """The rubric of a run that names none; raises ValueError for an unknown mode."""
    if mode not in DEFAULT_RUBRICS:
        raise ValueError(f"unknown mode '{mode}'; there are {', '.join(DEFAULT_RUBRICS)}")
    return DEFAULT_RUBRICS[mode]
