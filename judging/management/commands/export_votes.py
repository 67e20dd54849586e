"""export_votes RUN --format FORMAT --output FILE: a run's votes for others to read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.core.management import BaseCommand, CommandError

from arena.migrating import migrated
from judging.exporting import FORMATS, CannotExport, Report, Wanted
from judging.models import AuditEntry, Run


class Command(BaseCommand):
    help = (
        "Write a run's votes to a file: our own table, Label Studio tasks, Argilla records, or pairs for preference training. "
        "The file is there whole or not at all. What is left out is counted, with why."
    )

    def add_arguments(self, parser):
        parser.add_argument("run", metavar="RUN", type=int, help="the run's number, as in the address of its page")
        parser.add_argument("--format", required=True, choices=FORMATS)
        parser.add_argument("--output", required=True, type=Path, metavar="FILE")
        parser.add_argument("--force", action="store_true", help="write over a file that is there")
        parser.add_argument(
            "--names", action="store_true", help="people by their names (default: person 1, person 2 …)"
        )
        parser.add_argument("--judges", action="store_true", help="machines' verdicts too")
        parser.add_argument(
            "--minimum", type=int, default=1, metavar="N", help="people that a pair's label wants (default: 1)"
        )
        parser.add_argument(
            "--agreement",
            type=float,
            default=0.5,
            metavar="SHARE",
            help="share of them on its side, above half (default: 0.5)",
        )

    def handle(self, *args, **options):
        migrated()
        run = Run.objects.select_related("rubric", "benchmark").filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"there is no run {options['run']}")
        file, report = options["output"], Report()
        if file.exists() and not options["force"]:
            raise CommandError(f"{file} is there already; --force writes over it")
        try:
            wanted = Wanted(options["names"], options["judges"], options["minimum"], options["agreement"])
            write_whole(file, FORMATS[options["format"]].write(run, wanted, report), force=options["force"])
        except FileExistsError:
            raise CommandError(f"{file} is there already; --force writes over it") from None
        except CannotExport as error:
            raise CommandError(f"run {run.pk}: {error}") from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}") from None
        AuditEntry.note(
            "export_written", run=run, format=options["format"], names=options["names"], written=report.written
        )
        self._say(report, file)

    def _say(self, report: Report, file: Path) -> None:
        self.stdout.write(f"{report.written:>8}  written to {file}")
        for why, n in sorted(report.left_out.items()):
            if n:
                self.stdout.write(f"{n:>8}  left out: {why}")


def write_whole(file: Path, parts: Iterator[str], *, force: bool) -> None:
    """Write the parts beside the file, and put it in its place when all are there.

    Raises OSError, FileExistsError where somebody else made the file meanwhile; nothing is left behind then.
    """
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
    ) as out:
        beside = Path(out.name)
        try:
            out.writelines(parts)
            out.flush()
            os.fsync(out.fileno())
        except BaseException:
            beside.unlink()
            raise
    try:
        beside.chmod(0o666 & ~_umask())
        if force:
            beside.replace(file)
        else:
            os.link(beside, file)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    """What this process takes from a new file's permissions."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
