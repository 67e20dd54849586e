"""What messages say, in English and Chinese; each format escapes what comes from people and marks up the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from judging.messages.base import LONGEST_REASON, Message, RunFacts

Escape = Callable[[str], str]
MOST_MODELS = 12  # names in a message; of the others it says how many there are

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "run_started": "Run started: {name}",
        "run_failed": "Run failed: {name}",
        "run_paused": "Run paused: {name}",
        "run_done": "Run done: {name}",
        "run_cancelled": "Run cancelled: {name}",
        "test": "Juryroom can reach you here",
        "test_line": "This is a test message. Messages about runs will look like it.",
        "status": "Status",
        "benchmark": "Benchmark",
        "models": "Models",
        "more": "and {n} more",
        "judgments": "Judgments",
        "of": "{done} of {total} done, {failed} failed",
        "none": "none expected yet",
        "spent": "Spent",
        "unknown": "unknown (no prices)",
        "within": "{spent} of a budget of {budget}",
        "reason": "Reason",
        "note": "Note",
        "demo": "demo data: nobody's real judgments",
        "dry_run": "dry run: no model was asked",
        "imported": "imported from files",
        "open": "Open the run",
        "draft": "draft",
        "open_status": "open for votes",
        "queued": "queued",
        "running": "running",
        "paused": "paused",
        "done": "done",
        "failed": "failed",
        "cancelled": "cancelled",
        "colon": ": ",
    },
    "zh": {
        "run_started": "运行已开始：{name}",
        "run_failed": "运行失败：{name}",
        "run_paused": "运行已暂停：{name}",
        "run_done": "运行已完成：{name}",
        "run_cancelled": "运行已取消：{name}",
        "test": "Juryroom 可以向这里发送消息",
        "test_line": "这是一条测试消息，关于运行的消息也会是这个样子。",
        "status": "状态",
        "benchmark": "评测集",
        "models": "模型",
        "more": "等共 {n} 个未列出",
        "judgments": "评判",
        "of": "已完成 {done} / {total}，失败 {failed}",
        "none": "暂无待评判项",
        "spent": "花费",
        "unknown": "未知（没有价格）",
        "within": "{spent}，预算 {budget}",
        "reason": "原因",
        "note": "说明",
        "demo": "演示数据，并非真实评判",
        "dry_run": "试运行，未调用任何模型",
        "imported": "从文件导入",
        "open": "打开运行页面",
        "draft": "草稿",
        "open_status": "开放投票",
        "queued": "排队中",
        "running": "运行中",
        "paused": "已暂停",
        "done": "已完成",
        "failed": "失败",
        "cancelled": "已取消",
        "colon": "：",
    },
}


@dataclass(frozen=True)
class Wording:
    """A message in words: one line on top, labelled lines below it, and the words of the link."""

    title: str
    lines: tuple[tuple[str, str], ...]
    link_words: str
    colon: str


def worded(message: Message, escape: Escape = str) -> Wording:
    """The message in its language, all that people wrote passed through `escape`."""
    words = WORDS["zh" if message.language.startswith("zh") else "en"]
    run = message.run
    if run is None:
        return Wording(words["test"], ((words["note"], words["test_line"]),), words["open"], words["colon"])
    title = words[message.event].format(name=escape(_one_line(run.name)))
    return Wording(title, tuple(_lines(run, words, escape)), words["open"], words["colon"])


def _lines(run: RunFacts, words: dict[str, str], escape: Escape) -> list[tuple[str, str]]:
    lines = [(words["status"], words.get("open_status" if run.status == "open" else run.status, run.status))]
    lines.append((words["benchmark"], escape(_one_line(run.benchmark))))
    if run.models:
        lines.append((words["models"], _models(run, words, escape)))
    if run.total is not None:
        told = words["of"].format(done=run.done, total=run.total, failed=run.failed) if run.total else words["none"]
        lines.append((words["judgments"], told))
    lines.append((words["spent"], _spent(run, words)))
    if run.reason:
        lines.append((words["reason"], escape(_cut(_one_line(run.reason), LONGEST_REASON))))
    if run.provenance in ("demo", "dry_run", "imported"):
        lines.append((words["note"], words[run.provenance]))
    return lines


def _models(run: RunFacts, words: dict[str, str], escape: Escape) -> str:
    named = ", ".join(escape(_one_line(name)) for name in run.models[:MOST_MODELS])
    left = len(run.models) - MOST_MODELS
    return f"{named} {words['more'].format(n=left)}" if left > 0 else named


def _spent(run: RunFacts, words: dict[str, str]) -> str:
    spent = words["unknown"] if run.spent is None else f"{run.spent:.4g}"
    return spent if run.budget is None else words["within"].format(spent=spent, budget=f"{run.budget:.4g}")


def _one_line(text: str) -> str:
    """The text without line ends and other characters that a chat program might take for structure."""
    return "".join(one if one.isprintable() else " " for one in text).strip()


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def without_markdown(text: str) -> str:
    """The text as Markdown dialects show it as it is: what could begin a link, an emphasis or a mention is made harmless.

    Chat programs know few backslashes, so look-alikes of full width stand for the brackets and an entity for nothing.
    """
    return text.translate(LOOKALIKES)


LOOKALIKES = str.maketrans(
    {"<": "＜", ">": "＞", "[": "［", "]": "］", "*": "＊", "_": "＿", "`": "＇", "#": "＃", "~": "～", "@": "＠", "|": "｜", "!": "！", "\\": "＼"}
)  # fmt: skip
