"""export report MODEL, export board BENCHMARK: what the pages say as a file, without a network."""

from __future__ import annotations

from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.utils import translation

from arena.migrating import migrated
from rating import board_files, boards
from rating.management.commands.leaderboard import chosen_benchmark
from rating.models import Profile, Rating
from rating.reporting.building import report_of
from rating.reporting.files import FORMS
from rating.reporting.gating import NoSuchModel, gates_of, model_called
from rating.reporting.report import BASES, WEIGHTED
from rating.reporting.sections import document

BINARY = ("pdf", "parquet")


class Command(BaseCommand):
    help = "Write a model's report (md, html, pdf) or a board (csv, txt, md, json, parquet) to a file, or to standard output."

    def create_parser(self, prog_name, subcommand, **fields):
        """A parser in which --version is the model's, and not Django's own."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **fields)

    def add_arguments(self, parser):
        parser.add_argument("what", choices=("report", "board"))
        parser.add_argument("name", metavar="NAME", help="of the model, or of the benchmark (its newest version)")
        parser.add_argument(
            "--format", metavar="F", help=f"report: {', '.join(FORMS)}; board: {', '.join(board_files.FORMATS)}"
        )
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="default: standard output; its ending tells the format, too"
        )
        parser.add_argument("--language", default="en", choices=("en", "zh-hans"), help="of a report (default: en)")
        parser.add_argument(
            "--version", dest="model_version", default="", metavar="V", help="of the model, where there are several"
        )
        parser.add_argument("--profile", metavar="P", help="of a report: whose gates it tells")
        parser.add_argument(
            "--basis", choices=BASES, default=WEIGHTED, help="of a report's totals (default: weighted_avg)"
        )
        parser.add_argument("--category", metavar="C", default="all", help="of a board")
        parser.add_argument("--source", default=Rating.ALL, help="of a board: people, judges, all … (default: all)")
        parser.add_argument("--method", choices=Rating.Method.values, help="of a board (default: bt, or what there is)")

    def handle(self, *args, **options):
        migrated()
        forms = FORMS if options["what"] == "report" else board_files.FORMATS
        form = _form(options, forms)
        content = self._report(form, options) if options["what"] == "report" else self._board(form, options)
        self._write(content, form, options["output"])

    @staticmethod
    def _report(form: str, options: dict) -> bytes:
        try:
            model = model_called(options["name"], options["model_version"])
        except NoSuchModel as error:
            raise CommandError(str(error)) from None
        profile = Profile.objects.filter(name=options["profile"]).first()
        if options["profile"] and profile is None:
            raise CommandError(f"there is no profile {options['profile']!r}")
        with translation.override(options["language"]):
            report = report_of(model, basis=options["basis"])
            gates = gates_of(model, profile, report=report) if profile else None
            return FORMS[form].content(document(report, gates))

    @staticmethod
    def _board(form: str, options: dict) -> bytes:
        benchmark = chosen_benchmark(options["name"])
        snapshot = boards.latest(benchmark)
        if snapshot is None:
            raise CommandError(
                f"{benchmark} has not been rated yet: python3 manage.py leaderboard --benchmark {benchmark.name} --refresh"
            )
        method = options["method"] or boards.choices(snapshot).method(options["source"])
        try:
            found = boards.board(
                benchmark, category=options["category"], source=options["source"], method=method, snapshot=snapshot
            )
        except boards.NoSuchBoard as error:
            raise CommandError(str(error)) from None
        return board_files.FORMATS[form].write(boards.Shown(found, boards.Wanted()))

    def _write(self, content: bytes, form: str, output: Path | None) -> None:
        if output is not None:
            try:
                output.write_bytes(content)
            except OSError as error:
                raise CommandError(f"{output}: cannot be written: {error.strerror}") from None
            self.stderr.write(f"{output}: {len(content):,} bytes")
        elif form in BINARY:
            raise CommandError(f"{form} is not for a terminal: name a file with --output")
        else:
            self.stdout.write(content.decode())


def _form(options: dict, forms: dict) -> str:
    """The format asked for, or that of the file's ending, or the first. Raises CommandError."""
    ending = options["output"].suffix.removeprefix(".").lower() if options["output"] else ""
    form = options["format"] or (ending if ending in forms else next(iter(forms)))
    if form not in forms:
        raise CommandError(f"a {options['what']} cannot be written as {form!r}; there are: {', '.join(forms)}")
    return form
