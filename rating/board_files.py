"""A board as a file: CSV, text, Markdown, JSON, Parquet. Each says which board of which snapshot it is, of what, and how many votes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify

from arena.sheets import as_csv
from rating.boards import Shown, key_of
from rating.printing import table

OF_RATING = ("rank", "rank_low", "rank_high", "rating", "low", "high", "n", "n_failed", "win_rate", "weighted")
OF_MODEL = ("version", "vendor", "family", "licence", "price_in", "price_out")
COLUMNS = (
    "rank", "rank_low", "rank_high", "model", "version", "vendor", "family", "licence", "rating", "low", "high", "n", "n_failed",
    "win_rate", "weighted", "preliminary", "price_in", "price_out", "tokens_per_second", "first_token_seconds",
)  # fmt: skip
ABOUT = (
    "benchmark", "benchmark_version", "category", "language", "source", "method", "level", "judgments", "snapshot", "digest",
    "computed_at", "code_version", "provenance",
)  # fmt: skip
"""What every row of a table without a head says of its board."""
WHOLE = ("rank", "rank_low", "rank_high", "n", "n_failed")
SHORT = ("rank", "range", "model", "vendor", "rating", "low", "high", "n", "failed", "win rate")


@dataclass(frozen=True)
class Format:
    """How a board is written, how the file's name ends, and its media type."""

    write: Callable[[Shown], bytes]
    ending: str
    media_type: str


def about(shown: Shown) -> dict[str, Any]:
    """Which board this is, of which snapshot, of what: everything that a number needs beside it."""
    board, snapshot = shown.board, shown.board.snapshot
    return {
        "benchmark": board.benchmark.name,
        "benchmark_version": board.benchmark.version,
        "category": key_of(board.category),
        "language": board.language or "all",
        "source": board.source,
        "method": str(board.method),
        "level": board.level,
        "judgments": board.n,
        "snapshot": snapshot.pk,
        "digest": snapshot.digest,
        "computed_at": snapshot.created_at.isoformat(timespec="seconds"),
        "code_version": snapshot.code_version,
        "provenance": " ".join(sorted(snapshot.provenances)),
    }


def rows(shown: Shown) -> list[dict[str, Any]]:
    """The rows that are shown, in their order; what nobody knows is None."""
    return [
        {
            "model": line.model.name,
            **{name: getattr(line.rating, name) for name in OF_RATING},
            **{name: getattr(line.model, name) for name in OF_MODEL},
            "preliminary": line.preliminary,
            "tokens_per_second": line.per_second,
            "first_token_seconds": line.first_token,
        }
        for line in shown.lines
    ]


def file_name(shown: Shown, ending: str) -> str:
    """A name that says which board it is, in plain letters."""
    board = shown.board
    parts = (board.benchmark.name, key_of(board.category), board.language, board.source, board.method)
    return f"{slugify(' '.join(filter(None, parts))) or 'board'}-snapshot-{board.snapshot.pk}{ending}"


def as_csv_file(shown: Shown) -> bytes:
    """A row a model, each with what board it is of."""
    board = about(shown)
    told = [[{**board, **row}[name] for name in (*COLUMNS, *ABOUT)] for row in rows(shown)]
    return as_csv((*COLUMNS, *ABOUT), told).encode()


def _short(shown: Shown) -> list[tuple[Any, ...]]:
    return [
        (line.rating.rank, line.ranks, line.model.name, line.model.vendor, line.rating.rating, line.rating.low,
         line.rating.high, line.rating.n, line.rating.n_failed, line.rating.win_rate)
        for line in shown.lines
    ]  # fmt: skip


def _head(shown: Shown) -> list[tuple[str, Any]]:
    """What stands above a table for people: the board, then what was left out and what must be said."""
    board = shown.board
    told = [*about(shown).items(), ("rows", f"{len(shown.lines)} of {shown.total}")]
    told += [("left out", f"{n} {reason}") for reason, n in board.left_out]
    return told + [("note", note) for note in board.notes]


def as_text(shown: Shown) -> bytes:
    """A table as a terminal shows it, under what it is of."""
    head = [f"{name}: {_plain(value)}" for name, value in _head(shown)]
    told = [[_plain(cell) if isinstance(cell, str) else cell for cell in row] for row in _short(shown)]
    return "\n".join([*head, "", table(SHORT, told) if told else "no rows", ""]).encode()


def _plain(value: Any) -> str:
    return " ".join(str(value).split())


def as_markdown(shown: Shown) -> bytes:
    """A table in Markdown under what it is of; no name can break out of its cell."""
    head = [f"* {name}: {_escaped(value)}" for name, value in _head(shown)]
    names = "| " + " | ".join(SHORT) + " |"
    rule = "|" + "|".join(" ---: " if name not in ("model", "vendor", "range") else " --- " for name in SHORT) + "|"
    cells = ["| " + " | ".join(map(_markdown_cell, row)) + " |" for row in _short(shown)]
    return "\n".join([f"# {_escaped(shown.board.benchmark.title)}", "", *head, "", names, rule, *cells, ""]).encode()


def _markdown_cell(value: Any) -> str:
    if value is None:
        return "—"
    return (
        f"{value:.4g}"
        if isinstance(value, float) and abs(value) < 100
        else f"{value:.0f}"
        if isinstance(value, float)
        else _escaped(value)
    )


def _escaped(value: Any) -> str:
    text = _plain(value).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{letter}" if letter in "\\`*_[]|#" else letter for letter in text)


def as_json(shown: Shown) -> bytes:
    """Everything: the board, its recipe, what was left out and what must be said, and the rows."""
    board = shown.board
    told = {
        **about(shown),
        "rows_of": shown.total,
        "recipe": board.snapshot.recipe,
        "excluded": board.excluded,
        "notes": board.notes,
        "uneven": [gap.as_json() for gap in board.gaps],
        **board.details,
        "rows": rows(shown),
    }
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()


def as_parquet(shown: Shown) -> bytes:
    """A column each, with types; which board it is stands in every row and in the file's metadata."""
    # Here, for every process would keep its 65 MB from the start, and few ever write such a file.
    import pyarrow as pa
    from pyarrow import parquet

    board, told = about(shown), rows(shown)
    columns = {name: pa.array([row[name] for row in told], type=_type(name)) for name in COLUMNS}
    columns |= {name: pa.array([board[name]] * len(told), type=_type(name)) for name in ABOUT}
    metadata = {"juryroom": json.dumps({**board, "recipe": shown.board.snapshot.recipe}, ensure_ascii=False)}
    out = io.BytesIO()
    parquet.write_table(pa.table(columns).replace_schema_metadata(metadata), out)
    return out.getvalue()


def _type(name: str) -> str:
    if name in (*WHOLE, "judgments", "snapshot"):
        return "int64"
    if name == "preliminary":
        return "bool"
    return "string" if name in ("model", *OF_MODEL[:4], *ABOUT) and name != "level" else "float64"


FORMATS: dict[str, Format] = {
    "csv": Format(as_csv_file, ".csv", "text/csv; charset=utf-8"),
    "txt": Format(as_text, ".txt", "text/plain; charset=utf-8"),
    "md": Format(as_markdown, ".md", "text/markdown; charset=utf-8"),
    "json": Format(as_json, ".json", "application/json"),
    "parquet": Format(as_parquet, ".parquet", "application/vnd.apache.parquet"),
}
