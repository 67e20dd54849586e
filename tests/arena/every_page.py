"""One row of everything that a page of the site is about, and the address of every page over these rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from arena import tokens
from arena.models import Upload
from judging.models import BadCase, Gold, Invitation, TryOut, Webhook
from rating.models import Grouping, Profile
from tests.judging import recorded as make
from tests.rating import make as boards

NOBODY = UUID(int=0)


def names() -> list[str]:
    """The name of every address of the site, those of an app with its namespace; the administration has a rule of its own."""
    found = [name for name in _names(get_resolver().url_patterns, "") if not name.startswith("admin:")]
    assert len(found) == len(set(found)), "two addresses share a name"
    return found


def _names(patterns: list[URLPattern | URLResolver], space: str) -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from _names(one.url_patterns, f"{space}{one.namespace}:" if one.namespace else space)
        else:
            yield f"{space}{one.name}"


def rows(tmp_path) -> dict[str, Any]:
    """A row of each kind, by what addresses call it."""
    lead, annotator = make.person("lea", "lead"), make.person("ann", "annotator")
    viewer = make.person("vera", "viewer")
    benchmark = make.benchmark()
    questions = make.answered(benchmark, "Ash", "Birch", questions=2)
    battle = make.battle(questions[0])
    judge = make.llm_judge()
    run = make.run(benchmark, judges=[judge], created_by=lead)
    make.preference(battle, judge, run=run)
    make.preference(battle, make.judge("ann", kind="person", user=annotator), run=run)
    answer = battle.first
    make.grade(answer, judge, run=run)
    snapshot = boards.snapshot(benchmark)
    boards.ranking(snapshot, [battle.first.model, battle.second.model])
    upload = Upload(name="q.jsonl", size=2, digest="0" * 64, format="juryroom", status="checked", by=lead)
    upload.file.save("q.jsonl", ContentFile(b"{}"), save=False)
    upload.save()
    invitation, join = Invitation.issue(run, role="annotator", created_by=lead)
    return {
        "lead": lead, "annotator": annotator, "viewer": viewer, "benchmark": benchmark, "question": questions[0],
        "spare": make.question(benchmark, "spare"), "battle": battle, "answer": answer, "judge": judge, "run": run,
        "rubric": run.rubric, "person": make.judge("ann"), "model": battle.first.model, "other": battle.second.model,
        "snapshot": snapshot, "upload": upload, "invitation": invitation, "join": join,
        "category": make.category(), "bad_case": BadCase.objects.create(question=questions[0], text="wrong", by=lead),
        "try_out": TryOut.objects.create(recipe={}, by=lead, status="done"),
        "webhook": Webhook.objects.create(name="team", url_env="JURYROOM_WEBHOOK_TEAM"),
        "profile": Profile.objects.create(name="plain"), "grouping": Grouping.objects.create(name="two"),
        "gold": Gold.objects.create(run=run, battle=battle, lowest=0, highest=2),
        "token": tokens.make(lead, "script")[0],
    }  # fmt: skip


PLACES: dict[str, str] = {
    **dict.fromkeys(("benchmark", "benchmark_edit", "benchmark_delete", "benchmark_version", "question_new"), "benchmark"),
    **dict.fromkeys(("leaderboard", "history", "board_settings", "agreement", "trust"), "benchmark"),
    **dict.fromkeys(("contested", "contested_send", "meta_evaluation", "meta_new"), "benchmark"),
    **dict.fromkeys(("question", "question_edit", "question_delete"), "question"),
    **dict.fromkeys(("category_edit", "category_move", "category_delete"), "category"),
    **dict.fromkeys(("model", "model_edit", "model_check", "model_delete", "model_compare", "model_failures"), "model"),
    **dict.fromkeys(("rubric", "rubric_edit"), "rubric"),
    **dict.fromkeys(("judge", "judge_edit", "judge_check", "judge_learn", "judge_anchors", "judge_anchors_ask"), "judge"),
    **dict.fromkeys(("try_out", "try_out_fragment"), "try_out"),
    **dict.fromkeys(("run", "run_fragment", "run_start", "run_pause", "run_reread", "run_cancel", "run_close"), "run"),
    **dict.fromkeys(("run_open", "run_voting", "run_retry", "run_recipe", "gold", "gold_import", "people"), "run"),
    **dict.fromkeys(("guest", "adjudicate", "adjudicate_pass", "adjudicate_undo", "comment_on", "leaks"), "run"),
    **dict.fromkeys(("run_unread", "run_unread_undo"), "run"),
    **dict.fromkeys(("flags", "audit", "ballot", "undo", "annotators"), "run"),
    **dict.fromkeys(("webhook_edit", "webhook_test", "webhook_delete"), "webhook"),
    **dict.fromkeys(("snapshot", "board_svg", "embed", "snapshot_agreement", "snapshot_trust", "matrix", "charts"), "snapshot"),
    **dict.fromkeys(("upload", "upload_check", "upload_load", "upload_delete"), "upload"),
    "battle": "battle", "bad_case": "bad_case", "annotator": "person", "token_revoke": "token",
    "profile_edit": "profile", "grouping_edit": "grouping",
}  # fmt: skip
"""What the id in an address is of; the API's addresses go by their own names."""
EXPORTS = {
    "rubric_export": ("rubric", "yaml"), "run_export": ("run", "votes"), "board_export": ("snapshot", "csv"),
    "leaderboard_export": ("benchmark", "csv"), "agreement_export": ("benchmark", "csv"), "meta_export": ("benchmark", "csv"),
    "snapshot_agreement_export": ("snapshot", "csv"), "model_export": ("model", "md"), "grouping_export": ("grouping", "csv"),
}  # fmt: skip
OF_API = {
    "add_questions": "benchmark", "board": "benchmark", "agreement": "benchmark", "judge_health": "benchmark", "meta_evaluation": "benchmark",
    "snapshot": "snapshot", "snapshot_board": "snapshot", "snapshot_agreement": "snapshot", "snapshot_health": "snapshot",
    "model_report": "model", "model_failures": "model",
    "next_seat": "run", "start": "run", "pause": "run", "cancel": "run", "undo": "run", "annotators": "run",
}  # fmt: skip


def address(name: str, there: dict[str, Any]) -> str:
    """The address of this name over the rows that are there."""
    if name.startswith("api-v1:"):
        return _address_of_api(name, there)
    if name in PLACES:
        return reverse(name, args=[there[PLACES[name]].pk])
    if name in EXPORTS:
        what, form = EXPORTS[name]
        return reverse(name, args=[there[what].pk, form])
    return reverse(name, args=_arguments(name, there))


def _arguments(name: str, there: dict[str, Any]) -> list[Any]:
    run, benchmark = there["run"].pk, there["benchmark"].pk
    return {
        "password_reset_confirm": ["MQ", "a-b"],
        "benchmark_changes": [benchmark, benchmark],
        "gold_remove": [run, there["gold"].pk],
        "person": [run, there["annotator"].pk],
        "password_link": [run, there["annotator"].pk],
        "invitation_revoke": [run, there["invitation"].pk],
        "join": [there["join"]],
        "upload_example": ["questions.jsonl"],
        "guide": ["lead"],
        "guide_image": ["lead-run.en.png"],
        **dict.fromkeys(("comment", "beat", "cast", "skip", "flag"), [NOBODY]),
    }.get(name, [])


def _address_of_api(name: str, there: dict[str, Any]) -> str:
    short = name.removeprefix("api-v1:")
    if short == "model_compare":
        return reverse(name, args=[there["model"].pk, there["other"].pk])
    if short in ("cast", "skip", "flag", "beat"):
        return reverse(name, args=[NOBODY])
    if short == "nothing_here":
        return reverse(name, args=["nowhere"])
    if short in OF_API:
        return reverse(name, args=[there[OF_API[short]].pk])
    if short in ("model", "benchmark", "question", "answer", "battle", "judge", "rubric", "run", "bad_case"):
        return reverse(name, args=[there[short].pk])
    return reverse(name)
