"""From an uploaded file to rows: kept as it came, read into a report, and written when a lead has said so.

Looking writes nothing but the upload's own row. Where a file can be counted only by writing it (verdicts, prompts, or answers
to questions that came in the same go and are not loaded yet), that happens in a transaction that is taken back.
"""

from __future__ import annotations

import hashlib
import logging
import re
import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from arena.live import UNHEARD
from arena.loading import FORMATS, BadInput, Report
from arena.loading.records import KINDS
from arena.loading.said import Kept, kept
from arena.models import Upload, storable
from rating import guessing, upload_contents
from rating.upload_contents import Contents

log = logging.getLogger(__name__)

MOST_BYTES = 200_000_000
SMALL = 2_000_000  # bytes that are looked at and loaded while the lead waits
SHOWN = 200  # problems kept with the report
LONGEST_PROBLEM = 500
STALE = timedelta(minutes=15)  # after which nobody is at work on an upload any more
SAFE = re.compile(r"[^\w.-]+")


def keep(file: File, *, options: dict, format_: str = "", kind: str = "", by=None) -> Upload:
    """Keep a file in a folder of its own, as it came; without a format, its content is asked for one. Nothing is read yet."""
    name = storable(Path(file.name.replace("\\", "/")).name)[:200] or "file"
    upload = Upload(name=name, size=file.size, digest=_digest(file), kind=kind, by=by, options=dict(options))
    file.seek(0)
    upload.file.save(f"{uuid.uuid4().hex[:12]}/{stored_name(name)}", file, save=False)
    path = Path(upload.file.path)
    if guessing.why_not_text(path):
        found = guessing.Guess(format_ or guessing.OWN, ())
    else:
        found = guessing.guess(path, only=format_)
    upload.format = found.format
    upload.options["holds"] = list(found.holds)
    upload.options["since"] = timezone.now().isoformat()
    upload.save()
    return upload


def _digest(file: File) -> str:
    found = hashlib.sha256()
    for part in file.chunks():
        found.update(part)
    return found.hexdigest()


def stored_name(name: str) -> str:
    """A name that every file system takes, with the endings that formats look at."""
    name = name.lower() if name.isupper() else name
    stem, dot, ending = name.partition(".")
    endings = [SAFE.sub("", part).lower()[:10] for part in ending.split(".") if part][-2:]
    stem = SAFE.sub("_", stem).strip("._-")[:40] or "file"
    endings = ["csv" if part == "tsv" else part for part in endings if part]
    return ".".join([stem, *endings])


def group_of(upload: Upload) -> list[Upload]:
    """The files that came in the same go, this one too, in the order they are to be loaded in. One query."""
    group = upload.options.get("group")
    if not group:
        return [upload]
    return sorted(Upload.objects.filter(options__group=group), key=_rank)


def _rank(upload: Upload) -> tuple[int, int, int]:
    """Questions come before answers, and these before judgments; those with the pairs that verdicts are about, before these."""
    held = upload.options.get("holds", [])
    return _first([upload.kind] if upload.kind else held), _first(held), upload.pk


def _first(held: list[str]) -> int:
    return min((KINDS.index(kind) for kind in held if kind in KINDS), default=len(KINDS))


def before(upload: Upload) -> list[Upload]:
    """The files of the same go that are to be loaded before this one, and are not yet. One query."""
    others = [other for other in group_of(upload) if other.pk != upload.pk and _rank(other) < _rank(upload)]
    return [other for other in others if other.status == Upload.Status.CHECKED]


def check(upload: Upload) -> None:
    """Look at the file and put the report of what loading it would do on its row; nothing else is written."""
    report, told = Report(), {}
    status, error = Upload.Status.CHECKED, ""
    try:
        contents = _read(upload, report)
        told = contents.told()
        upload.options["holds"] = list(contents.holds()) or upload.options.get("holds", [])
        _try(upload, contents, report)
    except BadInput:
        status = Upload.Status.REFUSED
    except Exception as failure:
        status, error = Upload.Status.FAILED, _failed(upload, failure)
    _tell(upload, report, told, status=status, error=error)


def _read(upload: Upload, report: Report) -> Contents:
    """What the file holds; verdicts that may be about pairs in other files of the same go are read as if these were loaded."""
    form = FORMATS.get(upload.format)
    others = before(upload) if form and form.is_alone else []
    if not others:
        return upload_contents.read(upload, report)
    with transaction.atomic():
        for other in others:
            _try_first(other)
        contents = upload_contents.read(upload, report)
        transaction.set_rollback(True)
    return contents


def _try(upload: Upload, contents: Contents, report: Report) -> None:
    """Count what writing the contents would do, after the files of the same go that come first. Nothing stays written."""
    others = before(upload)
    if not others and contents.is_countable:
        contents.count(report)
        return
    with transaction.atomic():
        for other in others:
            _try_first(other)
        contents.write(report)
        transaction.set_rollback(True)


def _try_first(other: Upload) -> None:
    """Write another file that comes first, in the caller's transaction; one with faults is left out: its own report says why."""
    report = Report()
    try:
        with transaction.atomic():
            upload_contents.read(other, report).write(report)
    except BadInput:
        return


def read_as(upload: Upload, format_: str, kind: str, reading: dict) -> None:
    """Say anew how the file is to be read; without a format, its content is asked again. It waits to be looked at then."""
    found = guessing.guess(Path(upload.file.path), only=format_)
    now = timezone.now().isoformat()
    upload.options = {**upload.options, **reading, "holds": list(found.holds), "since": now}
    upload.format, upload.kind, upload.status = found.format, kind, Upload.Status.CHECKING
    upload.save(update_fields=["options", "format", "kind", "status"])


def claim(upload: Upload) -> bool:
    """Whether the file is ours to load now: whoever comes second, by a double click say, is told no. One query."""
    waiting = Upload.objects.filter(pk=upload.pk, status=Upload.Status.CHECKED)
    options = {**upload.options, "since": timezone.now().isoformat()}
    return bool(waiting.update(status=Upload.Status.LOADING, options=options))


def load(upload: Upload) -> bool:
    """Load a file that was claimed: all of it in one transaction, or nothing and the reasons. Whether it is loaded."""
    report = Report()
    try:
        contents = upload_contents.read(upload, report)
        told = contents.told()
        with transaction.atomic():
            contents.write(report)
            upload.loaded_at = timezone.now()
            _tell(upload, report, told, status=Upload.Status.LOADED)
    except BadInput:
        upload.loaded_at = None
        _tell(upload, report, {}, status=Upload.Status.REFUSED)
    except Exception as failure:
        upload.loaded_at = None
        _tell(upload, report, {}, status=Upload.Status.FAILED, error=_failed(upload, failure))
    return upload.status == Upload.Status.LOADED


def load_in_turn(uploads: list[Upload]) -> list[Upload]:
    """Load these one after another, those that were claimed, and stop at the first that cannot be; which were loaded."""
    loaded = []
    for place, upload in enumerate(uploads):
        if not load(upload):
            left = [other.pk for other in uploads[place + 1 :]]
            Upload.objects.filter(pk__in=left, status=Upload.Status.LOADING).update(status=Upload.Status.CHECKED)
            break
        loaded.append(upload)
    return loaded


def _failed(upload: Upload, failure: Exception) -> str:
    """Log what we did not foresee, and say under which number."""
    number = uuid.uuid4().hex[:8]
    log.exception("upload %s could not be read (%s)", upload.pk, number)
    return f"{type(failure).__name__} ({number})"


def _tell(upload: Upload, report: Report, told: dict, *, status: str, error: str = "") -> None:
    kept = told or upload.report.get("told", {})
    problems = [
        {
            "file": upload.name,
            "line": one.line,
            "item": one.item,
            "field": one.field,
            "problem": _kept(one.message, upload),
        }
        for one in report.problems[:SHOWN]
    ]
    upload.report = {
        "counts": dict(report.counts) if not report.problems else {},
        "notes": [_kept(note, upload) for note in report.notes[:SHOWN]],
        "problems": problems,
        "more": max(len(report.problems) - SHOWN, 0),
        "told": kept,
    }
    upload.status, upload.error = status, error
    upload.save(update_fields=["report", "status", "error", "options", "loaded_at", "format", "kind"])


def _kept(message: str, upload: Upload) -> Kept:
    """A message without the place where the file lies here, as any database takes it; to be told in the reader's language."""
    path = Path(upload.file.path)

    def clean(text: str) -> str:
        text = storable(text.replace(str(path), upload.name).replace(path.name, upload.name))
        return text if len(text) <= LONGEST_PROBLEM else text[:LONGEST_PROBLEM] + "…"

    return kept(message, clean)


def is_at_work(upload: Upload) -> bool:
    """Whether somebody should be at work on it: a worker that has been silent for long is not."""
    if upload.status not in (Upload.Status.CHECKING, Upload.Status.LOADING):
        return False
    since = upload.options.get("since")
    return bool(since) and datetime.fromisoformat(since) > timezone.now() - STALE


def ring(task, *ids: int) -> None:
    """Ring for a worker once what it needs is committed; where nobody can be called, the page offers to look again."""

    def call() -> None:
        try:
            task.delay(list(ids))
        except UNHEARD as error:
            log.warning("uploads %s: no worker could be called (%s)", ids, error)

    transaction.on_commit(call)


def delete(upload: Upload) -> None:
    """Delete the row and the file with its folder; what was loaded from it stays."""
    path = Path(upload.file.path)
    upload.delete()

    def remove() -> None:
        path.unlink(missing_ok=True)
        if path.parent.exists() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    transaction.on_commit(remove)
