"""Small makers of rows that pages of boards and agreement show; every name is an argument with a default."""

from __future__ import annotations

from arena.models import Benchmark, Category, LanguageModel
from judging.models import Judge
from rating.models import Agreement, Leaderboard, Rating, Snapshot

GROUPS = (("language", "Language", "语言表达"), ("reasoning", "Knowledge and reasoning", "知识与推理"))
CATEGORIES = (
    ("writing", "Writing", "写作", "language"),
    ("chat", "Chat and empathy", "闲聊与共情", "language"),
    ("maths", "Maths and reasoning", "数学与推理", "reasoning"),
    ("code", "Code", "代码", "reasoning"),
)


def benchmark(name: str = "kitchen", **fields) -> Benchmark:
    return Benchmark.objects.create(**{"name": name, "title_en": "Kitchen table", "title_zh": "厨房餐桌", **fields})


def models(count: int = 3, *, prefix: str = "M") -> list[LanguageModel]:
    """`count` models named M1, M2 …"""
    fields = {"version": "1", "vendor": "Northmoor Labs", "licence": "Apache-2.0"}
    return LanguageModel.objects.bulk_create(
        [LanguageModel(name=f"{prefix}{n}", **fields) for n in range(1, count + 1)]
    )


def categories() -> list[Category]:
    """Four categories in two groups."""
    groups = {key: Category.objects.create(key=key, name_en=en, name_zh=zh, position=900) for key, en, zh in GROUPS}
    return [
        Category.objects.create(key=key, name_en=en, name_zh=zh, group=groups[group], position=place)
        for place, (key, en, zh, group) in enumerate(CATEGORIES)
    ]


def snapshot(of: Benchmark | None = None, **fields) -> Snapshot:
    """An empty snapshot of a board made where it is missing."""
    of = of or benchmark()
    board, _ = Leaderboard.objects.get_or_create(benchmark=of)
    digest = f"{Snapshot.objects.count():064x}"
    defaults = {"n": 240, "digest": digest, "code_version": "0.1.0", "recipe": {"level": 0.95}, "provenances": ["real"]}
    found = Snapshot.objects.create(leaderboard=board, **{**defaults, **fields})
    Leaderboard.objects.filter(pk=board.pk).update(current=found)
    return found


def rating(of: Snapshot, model: LanguageModel, rank: int = 1, **fields) -> Rating:
    """A rating not saved: 60 points a rank, an interval of 50, a rank that is sure."""
    middle = 1100 - 60 * ((rank or 1) - 1)
    defaults = {
        "source": "all", "method": "bt", "rating": middle, "low": middle - 25, "high": middle + 25,
        "rank": rank, "rank_low": rank, "rank_high": rank, "n": 80, "win_rate": 0.5,
    }  # fmt: skip
    return Rating(snapshot=of, model=model, **{**defaults, **fields})


def ranking(of: Snapshot, order: list[LanguageModel], **fields) -> list[Rating]:
    """Saved ratings of these models, best first."""
    return Rating.objects.bulk_create([rating(of, model, rank, **fields) for rank, model in enumerate(order, 1)])


def board(count: int = 3, **fields) -> Snapshot:
    """A snapshot with `count` models over all and in four categories; in two of them the second model leads."""
    made, kinds = models(count), categories()
    found = snapshot(**fields)
    ranking(found, made)
    for place, category in enumerate(kinds):
        order = made if place % 2 else [*made[1:2], *made[:1], *made[2:]]
        ranking(found, order, category=category, n=20)
    return found


def judge(name: str = "fair", **fields) -> Judge:
    return Judge.objects.create(**{"name": name, "kind": "rule", **fields})


def agreement(of: Snapshot, relation: str = "people", judges: str = "people", **fields) -> Agreement:
    """A row of agreement; `judges` also finds the judges of these names, where there are some."""
    named = {judge.name: judge for judge in Judge.objects.filter(name__in=judges.split("–"))}
    who = dict(zip(("judge", "other"), filter(None, map(named.get, judges.split("–"))), strict=False))
    defaults = {"n": 60, "raw": 0.8, "kappa": 0.6, "alpha": 0.61, "low": 0.5, "high": 0.7, **who}
    return Agreement.objects.create(snapshot=of, relation=relation, judges=judges, **{**defaults, **fields})
