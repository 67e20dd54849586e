"""Published battle files, rated without a database: who fought whom, who won, in the order of time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rating import stats

WINNERS = {
    "model_a": 1.0,
    "model_b": -1.0,
    "tie": 0.0,
    "tie (bothbad)": 0.0,
    "both_bad": 0.0,
}
SPELLINGS = {"win": "winner"}
REQUIRED = ("model_a", "model_b", "winner")


class BadFile(Exception):
    """A battle file that cannot be rated; the message names file, row and column."""


@dataclass(frozen=True)
class BattleFile:
    """The battles of a file, with the models' names by code; `left_out` counts rows that were not asked for."""

    battles: stats.Battles
    models: list[str]
    left_out: int


def read(path: Path, *, anonymous_only: bool = False) -> BattleFile:
    """The battles of a CSV, JSON or JSONL file, sorted by `tstamp` where it has one (Elo depends on the order).

    Columns: model_a, model_b, winner (or win): model_a, model_b, tie, tie (bothbad); optional anony, tstamp, question_id.
    Raises BadFile.
    """
    frame = _frame(path).rename(columns=SPELLINGS)
    if missing := [name for name in REQUIRED if name not in frame.columns]:
        raise BadFile(f"{path}: has no column {', '.join(missing)}")
    total = len(frame)
    if anonymous_only:
        if "anony" not in frame.columns:
            raise BadFile(f"{path}: has no column anony")
        frame = frame[frame["anony"].astype(bool)]
    _check(path, frame)
    if "tstamp" in frame.columns:
        frame = frame.sort_values("tstamp", kind="stable")
    codes, models = pd.factorize(pd.concat([frame["model_a"], frame["model_b"]]), sort=True)
    clusters = frame["question_id"] if "question_id" in frame.columns else pd.Series(np.arange(len(frame)))
    battles = stats.Battles(
        first=codes[: len(frame)],
        second=codes[len(frame) :],
        value=frame["winner"].map(WINNERS).to_numpy(dtype=float),
        cluster=pd.factorize(clusters)[0],
    )
    return BattleFile(battles, [str(model) for model in models], total - len(frame))


def _frame(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path, dtype={"model_a": str, "model_b": str})
        if path.suffix == ".jsonl":
            return pd.read_json(path, lines=True, convert_dates=False)
        if path.suffix == ".json":
            return pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadFile(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    raise BadFile(f"{path}: is not a .csv, .json or .jsonl file")


def _check(path: Path, frame: pd.DataFrame) -> None:
    if frame.empty:
        raise BadFile(f"{path}: holds no battles")
    for column in REQUIRED:
        if frame[column].isna().any():
            raise BadFile(f"{path}: row {_row(frame[column].isna())}: {column} is empty")
    strange = ~frame["winner"].isin(WINNERS)
    if strange.any():
        raise BadFile(
            f"{path}: row {_row(strange)}: winner is {frame['winner'][strange].iloc[0]!r}, not one of {', '.join(WINNERS)}"
        )
    alone = frame["model_a"] == frame["model_b"]
    if alone.any():
        raise BadFile(f"{path}: row {_row(alone)}: {frame['model_a'][alone].iloc[0]} fights itself")


def _row(mask: pd.Series) -> int:
    """The place, counted from 1, of the first row where the mask holds."""
    return int(mask.index[mask.to_numpy().argmax()]) + 1
