"""Golden numbers and public data, kept beside the project; tests that need them skip where they are absent."""

import gzip
import json
import os
from pathlib import Path

import pytest

PLACE = Path(os.environ.get("JURYROOM_SHARED", Path(__file__).resolve().parents[4] / "shared"))


@pytest.fixture(scope="session")
def shared():
    """The folder of golden numbers and public data."""
    if not (PLACE / "gold").is_dir():
        pytest.skip("needs the golden numbers: set JURYROOM_SHARED or put them in ../shared")
    return PLACE


@pytest.fixture(scope="session")
def gold(shared):
    """Read one golden file: gold("edge_cases.json")."""
    return lambda name: json.loads((shared / "gold" / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def golden_value(gold):
    """The row of the agreement file whose metric starts so: golden_value("summeval", "ICC(2,1) coherence")."""
    rows = gold("agreement.json")

    def find(dataset, metric):
        return next(row for row in rows if row["dataset"] == dataset and row["metric"].startswith(metric))

    return find


@pytest.fixture(scope="session")
def data(shared):
    """The rows of a gzipped JSON-lines file: data("summeval/votes")."""

    def rows(name):
        with gzip.open(shared / "data" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    return rows
