"""load FORMAT PATH…: questions, answers and published verdicts from files."""

from __future__ import annotations

import json
from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.db import transaction

from arena.loading import FORMATS, BadInput, ModelRecord, Report, write
from arena.loading.records import UNSTATED
from arena.loading.writing import Target
from arena.migrating import migrated
from judging.importing import write_votes
from judging.judges.rules import validate_check

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Load questions, answers and published verdicts. Everything is checked first; with any problem nothing is written. "
        "Loading the same files twice changes nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("format_", metavar="FORMAT", choices=FORMATS, help=", ".join(FORMATS))
        parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="files, or folders of them")
        parser.add_argument("--benchmark", help="name of the benchmark (default: the first path's folder)")
        parser.add_argument("--benchmark-version", default="1", metavar="V", help="its version (default: 1)")
        parser.add_argument("--model", help="who answered, for all answers in these files")
        parser.add_argument("--model-version", default=UNSTATED, metavar="V")
        parser.add_argument("--vendor", default=UNSTATED)
        parser.add_argument("--language", default="en", help="of questions that do not say (default: en)")
        parser.add_argument("--check", action="store_true", help="only report; write nothing")
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *args, **options):
        migrated()
        report = Report()
        model = ModelRecord(options["model"], options["model_version"], options["vendor"]) if options["model"] else None
        first = options["paths"][0].resolve()
        name = options["benchmark"] or (first if first.is_dir() else first.parent).name
        try:
            batch = FORMATS[options["format_"]](options["paths"], report, model=model, language=options["language"])
            target = Target(name, options["benchmark_version"])
            with transaction.atomic():
                benchmark = write(batch, target, report, check_problems=validate_check, dry=options["check"])
                if batch.votes and not options["check"]:
                    write_votes(batch, benchmark, report)
        except BadInput as error:
            self._say(error.report, name, options)
            raise CommandError(self._refusal(error.report), returncode=1) from None
        for record in {answer.model for answer in batch.answers}:
            if UNSTATED in (record.version, record.vendor):
                report.note(
                    f"model {record.name}: version {record.version}, vendor {record.vendor}; --model-version, --vendor set them"
                )
        self._say(report, name, options)

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
            self.stdout.write(f"{'checked, nothing written' if options['check'] else 'loaded into'} {benchmark}")

    @staticmethod
    def _refusal(report: Report) -> str:
        lines = [str(problem) for problem in report.problems[:SHOWN]]
        if len(report.problems) > SHOWN:
            lines.append(f"… and {len(report.problems) - SHOWN} more")
        return "\n".join([*lines, "nothing was written"])
