"""load FORMAT PATH…: questions, answers, published verdicts, judge prompts and tables of scores from files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.db import transaction

from arena.loading import FORMATS, BadInput, Batch, ModelRecord, Naming, Report, write
from arena.loading.partners import partners_in
from arena.loading.records import KINDS, UNSTATED
from arena.loading.writing import Target
from arena.migrating import migrated
from judging.importing import write_rubrics, write_votes
from judging.judges.rules import validate_check
from rating.score_files import LEFT_OUT, BadScores, read_scores, write_scores

SHOWN = 50
NAMED = 5  # models; of more, the notes give the number
SCORES = "scores"
OF_THE_REST = ("kind", "benchmark", "model", "judge", "subset")
"""What is said of files without scores alone: a table of scores says it row by row."""


def _is_leaderboard(options: dict) -> bool:
    """Whether these are tables that AlpacaEval publishes beside its annotations."""
    return options["format_"] == "alpaca_eval" and all(path.suffix == ".csv" for path in options["paths"])


class Command(BaseCommand):
    help = (
        "Load questions, answers, published verdicts, judge prompts and tables of scores. Everything is checked first; with any problem nothing is written. "
        "Loading the same files twice changes nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("format_", metavar="FORMAT", choices=(*FORMATS, SCORES), help=", ".join((*FORMATS, SCORES)))
        parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="files, or folders of them")
        parser.add_argument(
            "--as",
            dest="kind",
            choices=KINDS,
            help="load only these, with what is told along with them (default: all that the format has and the files hold)",
        )
        parser.add_argument(
            "--benchmark",
            help="name of the benchmark (default: the first path's folder; of a leaderboard of AlpacaEval: AlpacaEval)",
        )
        parser.add_argument("--benchmark-version", default="1", metavar="V", help="its version (default: 1)")
        parser.add_argument("--model", help="who answered, for all answers in these files")
        parser.add_argument("--model-version", default=UNSTATED, metavar="V")
        parser.add_argument("--vendor", default=UNSTATED)
        parser.add_argument(
            "--judge", default="", metavar="NAME", help="who judged, where names of files and folders say it"
        )
        parser.add_argument(
            "--subset", default="", metavar="NAME", help="which part of the benchmark (default: what the folder says)"
        )
        parser.add_argument("--language", default="en", help="of questions that do not say (default: en)")
        parser.add_argument("--check", action="store_true", help="only report; write nothing")
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *args, **options):
        migrated()
        if options["format_"] == SCORES or _is_leaderboard(options):
            self._load_scores(options)
            return
        report = Report()
        first = options["paths"][0].resolve()
        name = options["benchmark"] or (first if first.is_dir() else first.parent).name
        target = Target(name, options["benchmark_version"])
        try:
            batch = self._read(options, target, report)
            if not report.problems:
                self._note_unstated(batch, report)
            with transaction.atomic():
                self._write(batch, target, report)
                transaction.set_rollback(options["check"])
        except BadInput as error:
            self._say(error.report, name, options)
            raise CommandError(self._refusal(error.report), returncode=1) from None
        self._say(report, name if batch.needs_benchmark else "", {**options, "holds": bool(batch)})

    def _load_scores(self, options: dict) -> None:
        """Tables of scores; all files or none."""
        is_own = options["format_"] == SCORES
        refused = [name for name in OF_THE_REST if is_own or name != "benchmark"]
        given = [f"--{'as' if name == 'kind' else name}" for name in refused if options[name]]
        if given:
            raise CommandError(f"{', '.join(given)}: a table of scores says this itself, row by row")
        try:
            rows = [row for path in options["paths"] for row in read_scores(path, benchmark=options["benchmark"] or "")]
            with transaction.atomic():
                written = write_scores(rows)
                transaction.set_rollback(options["check"])
        except BadScores as error:
            raise CommandError(f"{error}\nnothing was written", returncode=1) from None
        if options["format"] == "json":
            self.stdout.write(json.dumps({"checked_only": options["check"], **asdict(written)}))
            return
        for what, n in (("new", written.new), ("changed", written.changed), ("as before", written.same)):
            self.stdout.write(f"{n:>8}  scores {what}")
        if written.left_out:
            self.stdout.write(f"{written.left_out:>8}  {LEFT_OUT}")
        self.stdout.write("checked, nothing written" if options["check"] else "loaded")

    @staticmethod
    def _read(options: dict, target: Target, report: Report) -> Batch:
        name, kind = options["format_"], options["kind"]
        form = FORMATS[name]
        if kind and kind not in form.kinds:
            raise CommandError(f"{name} files hold no {kind} that we can read; they hold {', '.join(form.kinds)}")
        model = ModelRecord(options["model"], options["model_version"], options["vendor"]) if options["model"] else None
        kinds = (kind,) if kind else form.kinds
        naming = Naming(judge=options["judge"], subset=options["subset"])
        told = {"model": model, "language": options["language"], "naming": naming}
        return form(options["paths"], report, kinds=kinds, partners=partners_in(target.name, target.version), **told)

    @staticmethod
    def _write(batch: Batch, target: Target, report: Report) -> None:
        """Everything in the batch into the database; judge prompts alone make no benchmark, nor does nothing."""
        if batch.needs_benchmark:
            write_votes(batch, write(batch, target, report, check_problems=validate_check), report)
        write_rubrics(batch.rubrics, report)

    @staticmethod
    def _note_unstated(batch: Batch, report: Report) -> None:
        models = {answer.model for answer in batch.answers}
        unstated = sorted(
            (model for model in models if UNSTATED in (model.version, model.vendor)), key=lambda model: model.name
        )
        for model in unstated[:NAMED]:
            report.note(
                f"model {model.name}: version {model.version}, vendor {model.vendor}; --model-version, --vendor set them"
            )
        if len(unstated) > NAMED:
            report.note(f"and {len(unstated) - NAMED} more models without version or vendor")

    def _say(self, report: Report, benchmark: str, options: dict) -> None:
        if options["format"] == "json":
            self.stdout.write(
                json.dumps({"benchmark": benchmark, "checked_only": options["check"], **report.as_json()})
            )
        elif not report.problems:
            for what, n in report.counts.items():
                self.stdout.write(f"{n:>8}  {what}")
            for note in report.notes:
                self.stdout.write(f"    note  {note}")
            done = f"loaded into {benchmark}" if benchmark else "loaded" if options["holds"] else "nothing was loaded"
            self.stdout.write("checked, nothing written" if options["check"] else done)

    @staticmethod
    def _refusal(report: Report) -> str:
        lines = [str(problem) for problem in report.problems[:SHOWN]]
        if len(report.problems) > SHOWN:
            lines.append(f"… and {len(report.problems) - SHOWN} more")
        return "\n".join([*lines, "nothing was written"])
