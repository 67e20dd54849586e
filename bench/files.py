"""`manage.py rate` and `agree` on files of ten million rows: seconds and peak memory, beside pandas reading the same file.

    python bench/files.py                     10⁷ battles (100 models, 2,000 questions) and 10⁷ votes, half an hour
    python bench/files.py --n 1000000         fewer rows
    python bench/files.py --only parquet      commands and files that have this word
    python bench/files.py --markdown          a table for a README

Every line is a process of its own, from its start to its end: Python and Django load too (some 1.5 s). *Memory* is the
largest it ever held. The line of pandas reads all columns and does nothing with them (JSON lines a million at a time: all
at once are more than 20 GiB); the lines below it are held against it. All must stay within 4 GiB, and the last column says so.

The data, the same for the same seed: strengths N(0, 0.7), questions with tastes, a third of ties; `tstamp` in no order, so
that Elo has to sort; two features of style (`length`, `bold`) of both answers. Votes: three on each item by 50 annotators,
in the order in which they may have come in, none.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder

from bench import tables  # noqa: E402

FORMS = ("csv", "jsonl", "parquet")
QUESTIONS, CATEGORIES, ANNOTATORS = 2000, 20, 50
MOST = 4.0  # GiB
ROWS = 1 << 20  # written at a time
PANDAS = {
    "csv": "pandas.read_csv({!r})",
    # ten million lines at once take it more than 20 GiB
    "jsonl": "[None for part in pandas.read_json({!r}, lines=True, chunksize=1_000_000)]",
    "parquet": "pandas.read_parquet({!r})",
}
RATE = (
    ("rate", "--method", "bt"),
    ("rate", "--method", "bt", "--group", "category"),
    ("rate", "--method", "bt", "--bootstrap", "200"),
    ("rate", "--method", "elo"),
    ("rate", "--method", "style"),
    ("rate", "--method", "davidson"),
    ("rate", "--method", "win_rate"),
)
AGREE = (
    ("agree",),
    ("agree", "--by", "category"),
    ("agree", "--level", "ordinal"),
    ("agree", "--level", "interval"),
    ("agree", "--annotators"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall seconds, the most memory it held (GiB), and what it said where it failed."""

    seconds: float
    memory: float
    failed: str = ""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, default=10_000_000, help="battles, and votes (default: ten million)")
    options.add_argument("--models", type=int, default=100)
    options.add_argument("--only", metavar="WORD", default="", help="lines that have this word")
    options.add_argument("--markdown", action="store_true")
    options.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.write:
        write(battles(asked.n, asked.models), asked.write, "battles")
        write(votes(asked.n // 3), asked.write, "votes")
        return
    print(f"{tables.machine()}\n{tables.command()}\n")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        # in a process of its own: a child starts with the memory of its parent on its account
        given = [f"--write={folder}", f"--n={asked.n}", f"--models={asked.models}"]
        subprocess.run([sys.executable, __file__, *given], check=True)
        lines = list(measured(Path(folder), asked.only))
    head = ("file", "what", "time", "memory", "times pandas", "memory of pandas", f"within {MOST:g} GiB")
    print(tables.table(head, lines, markdown=asked.markdown))


def measured(folder: Path, word: str) -> Iterator[list[str]]:
    """The lines of the table, as each is done."""
    for name, commands in (("battles", RATE), ("votes", AGREE)):
        for form in FORMS:
            path = folder / f"{name}.{form}"
            wanted = [told for told in commands if word in f"{' '.join(told)} {path.name}"]
            if not wanted:
                continue
            read = run(["-c", f"import pandas; {PANDAS[form].format(str(path))}"], folder)
            label = f"{path.name}, {path.stat().st_size / 1e6:,.0f} MB"
            yield line(label, "pandas, reading alone", read, None)
            for command, *more in wanted:
                found = run(["manage.py", command, str(path), *more, "--format", "json"], folder)
                yield line(label, " ".join([command, *more]), found, read)


def run(arguments: Sequence[str], folder: Path) -> Run:
    """One process of this Python, its output thrown away."""
    environment = {**os.environ, "JURYROOM_NO_SETUP": "1", "JURYROOM_DATA": str(folder / "data")}
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
        seconds = time.perf_counter() - begun
        said.seek(0)
        last = said.read().decode().strip().splitlines()[-1:]
    kilo = 1 if sys.platform != "darwin" else 1 / 1024
    failed = (" ".join(last) or "failed")[:40] if child.returncode else ""
    return Run(seconds, usage.ru_maxrss * kilo / 2**20, failed)


def line(label: str, what: str, found: Run, read: Run | None) -> list[str]:
    print(f"{label}: {what}: {found.seconds:.1f} s, {found.memory:.2f} GiB {found.failed}", file=sys.stderr, flush=True)
    if found.failed:
        return [label, what, found.failed, "", "", "", ""]
    slower = "" if read is None else tables.times(found.seconds / read.seconds)
    larger = "" if read is None else tables.times(found.memory / read.memory)
    within = "" if read is None else "yes" if found.memory <= MOST else "NO"
    return [label, what, tables.seconds(found.seconds), f"{found.memory:.2f} GiB", slower, larger, within]


def battles(n: int, models: int, *, seed: int = 20261126) -> Iterator[dict[str, object]]:
    """`n` battles as columns, ROWS at a time."""
    random = np.random.default_rng(seed)
    strength, taste = random.normal(0, 0.7, models), random.normal(0, 0.3, (QUESTIONS, models))
    habit = random.normal(0, 0.5, (2, models)) + np.array([[6.0], [1.5]])
    for start in range(0, n, ROWS):
        size = min(ROWS, n - start)
        first = random.integers(0, models, size)
        second = (first + random.integers(1, models, size)) % models
        question = random.integers(0, QUESTIONS, size)
        looks = [
            np.floor(np.exp(habit[feature, side] + random.normal(0, 0.5, size))).astype(np.int64)
            for feature in range(2)
            for side in (first, second)
        ]
        longer = (looks[0] - looks[1]) / np.maximum(looks[0] + looks[1], 1)
        ahead = strength[first] + taste[question, first] - strength[second] - taste[question, second] + 0.5 * longer
        drawn = random.random(size)
        better = 1 / (1 + np.exp(0.7 - ahead))
        worse = 1 / (1 + np.exp(0.7 + ahead))
        yield {
            "question_id": question,
            "model_a": named("model", first, models),
            "model_b": named("model", second, models),
            "winner": chosen(
                ["model_a", "model_b", "tie"], np.where(drawn < better, 0, np.where(drawn < better + worse, 1, 2))
            ),
            "judge": named("judge", random.integers(0, ANNOTATORS, size), ANNOTATORS),
            "category": named("kind", question % CATEGORIES, CATEGORIES),
            "tstamp": 1.7e9 + random.random(size) * 1e7,
            "length_a": looks[0],
            "length_b": looks[1],
            "bold_a": looks[2],
            "bold_b": looks[3],
        }


def votes(items: int, *, seed: int = 20261126) -> Iterator[dict[str, object]]:
    """Three votes on each of `items` items as columns, ROWS at a time, in no order."""
    random = np.random.default_rng(seed)
    truth = random.integers(1, 4, items)
    seat, step = random.integers(0, ANNOTATORS, items), random.integers(1, 17, (2, items))
    order = random.permutation(3 * items)
    for start in range(0, order.size, ROWS):
        item, place = np.divmod(order[start : start + ROWS], 3)
        behind = np.where(place > 0, step[0, item], 0) + np.where(place > 1, step[1, item], 0)
        knows = random.random(item.size) < 0.6
        yield {
            "item": item,
            "annotator": named("annotator", (seat[item] + behind) % ANNOTATORS, ANNOTATORS),
            "value": np.where(knows, truth[item], random.integers(1, 4, item.size)),
            "category": named("kind", item % CATEGORIES, CATEGORIES),
        }


def named(word: str, code: np.ndarray, size: int) -> object:
    return chosen([f"{word} {place}" for place in range(size)], code)


def chosen(names: Sequence[str], code: np.ndarray) -> object:
    import pyarrow as pa  # not in the parent of the processes that are measured

    return pa.array(names).take(pa.array(code))


def write(parts: Iterator[dict[str, object]], folder: Path, name: str) -> None:
    """The parts as a file in each of the FORMS."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    with ExitStack() as files:
        lines = files.enter_context((folder / f"{name}.jsonl").open("wb"))
        writers = []
        for part in parts:
            table = pa.table(part)
            if not writers:
                writers = [
                    files.enter_context(kind(folder / f"{name}.{form}", table.schema))
                    for form, kind in (("csv", pa.csv.CSVWriter), ("parquet", pa.parquet.ParquetWriter))
                ]
            for writer in writers:
                writer.write_table(table)
            lines.write(json_lines(table))


def json_lines(table: object) -> bytes:
    """The rows as JSON, one object a line; no word in them needs escaping."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = []
    for place, name in enumerate(table.column_names):
        column = table[name].combine_chunks()
        mark = '"' if pa.types.is_string(column.type) else ""
        cells += [f'{", " if place else "{"}"{name}": {mark}', column.cast(pa.string()), mark]
    rows = pc.binary_join_element_wise(*cells, "}\n", "")
    return b"".join(row.as_buffer().to_pybytes() for row in rows)


if __name__ == "__main__":
    main()
