"""Published battle files, rated without a database: who fought whom, who won, in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rating import stats
from rating.files.columns import EMPTY, AsFew, AsFlags, AsNumbers, AsTimes, AsWords, Kind, Words
from rating.files.problems import BadFile, plain, quoted, some
from rating.files.reading import Source, source
from rating.stats.battles import MOST_MODELS
from rating.stats.style import relative_difference

WINNERS = {
    "model_a": 1,
    "model_b": -1,
    "tie": 0,
    "tie (bothbad)": 0,
    "both_bad": 0,
    "A>>B": 2,
    "A>B": 1,
    "A=B": 0,
    "B>A": -1,
    "B>>A": -2,
}
"""What a winner column may say, as the preference towards model_a; the last five are Arena-Hard's."""
WINNER = ("winner", "win")
QUESTION = ("question_id", "question")
MODELS = ("model_a", "model_b")
MOST_GROUPS = 10_000

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class BattleFile:
    """The n battles of a file, with the models' names by code; `left_out` counts rows that were not asked for.

    `first`, `second`: int32 (n,) into `models`; `value`: int8 (n,) in -2..2 towards first. `cluster`: question of each
    battle (n,), None where the file names none. `group`: the column to part the battles by. `style`: of each feature asked
    for, how much more of it the first answer has, as a share (n,).
    """

    name: str
    models: list[str]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    value: NDArray[np.int8]
    cluster: NDArray[np.int32] | None = None
    group: Words | None = None
    style: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.first)

    @cached_property
    def battles(self) -> stats.Battles:
        """The battles for the statistics; every one is a question of its own where the file names none."""
        cluster = np.arange(len(self), dtype=np.int32) if self.cluster is None else self.cluster
        return stats.Battles(self.first, self.second, self.value, cluster)

    @property
    def counts(self) -> stats.Counts:
        return stats.counts(self.battles, len(self.models))

    def against(self, model: str) -> BattleFile:
        """The battles of this model, with only the models that met it."""
        code = self.models.index(model) if model in self.models else EMPTY
        return self._part(np.flatnonzero((self.first == code) | (self.second == code)))

    def sorted_by(self, time: NDArray[np.float64]) -> BattleFile:
        """The battles in the order of `time` (n,); those of one time stay in the order of the file."""
        if (time[1:] >= time[:-1]).all():
            return self
        return self._rows(np.argsort(time, kind="stable"))

    def groups(self) -> Iterator[tuple[str, BattleFile]]:
        """The battles of each value of the column `group`, in the order of the values' names."""
        for name, rows in self.group.parts() if self.group else ():
            yield name, self._part(rows)

    def _part(self, rows: Rows) -> BattleFile:
        """These battles, with only the models that are in them."""
        part = self._rows(rows)
        fought = np.bincount(part.first, minlength=len(self.models)) + np.bincount(
            part.second, minlength=len(self.models)
        )
        code = np.cumsum(fought > 0, dtype=np.int32) - 1
        models = [self.models[model] for model in np.flatnonzero(fought)]
        return replace(part, models=models, first=code[part.first], second=code[part.second], group=None)

    def _rows(self, rows: Rows) -> BattleFile:
        columns = ("first", "second", "value", "cluster", "group")
        parts = {name: part[rows] for name in columns if (part := getattr(self, name)) is not None}
        return replace(self, **parts, style={name: part[rows] for name, part in self.style.items()})


def read(
    path: Path,
    *,
    anonymous_only: bool = False,
    judge: str | None = None,
    group: str | None = None,
    cluster: str | None = None,
    style: Sequence[str] | None = None,
    in_order: bool = True,
    seen: Callable[[int], None] | None = None,
) -> BattleFile:
    """The battles of a CSV, JSON, JSON lines or Parquet file.

    Columns: model_a, model_b, winner (or win): one of WINNERS. `anonymous_only`: rows whose column anony is true;
    `judge`: those of this judge, by the column judge. `group`, `cluster`: names of columns; without `cluster` the
    question is in question_id or question, if anywhere. `style`: features such as length, from the columns length_a and
    length_b; an empty one is every pair of number columns of such names. `in_order`: sorted by `tstamp` where there is one
    (Elo depends on the order). `seen` is called with the number of rows read so far. Raises BadFile.
    """
    file = source(path)
    winner = _winner(file)
    question = file.need(cluster) if cluster else file.find(*QUESTION)
    features = () if style is None else _features(file, style)
    time = file.find("tstamp") if in_order else None
    words = [*map(file.need, MODELS), winner, question, group and file.need(group), judge and file.need("judge")]
    kinds: dict[str, Kind] = {name: AsWords() for name in words if name}
    kinds |= {group: AsFew(MOST_GROUPS, "group")} if group else {}
    if not (anonymous_only or judge):  # rows that are not asked for are not held against the file
        kinds |= {name: AsFew(MOST_MODELS, "model") for name in MODELS}
    others: dict[str, Kind] = {name: AsNumbers() for feature in features for name in _sides(feature)}
    others |= {file.need("anony"): AsFlags()} if anonymous_only else {}
    others |= {time: AsTimes()} if time else {}
    for name in kinds.keys() & others.keys():
        raise BadFile(f"{path}: {name} cannot be a column of words and something else at the same time")
    columns = file.columns(kinds | others, seen=seen)
    total = len(columns["model_a"])
    at = _asked_for(file, columns, anonymous_only=anonymous_only, judge=judge)
    columns = {name: column[at] for name, column in columns.items()} if at.size < total else columns
    for name, column in columns.items():
        file.full(name, column, at)
    value = _values(file, columns[winner], at)
    first, second, models = _coded(columns["model_a"], columns["model_b"])
    if len(models) > MOST_MODELS:
        raise BadFile(f"{path}: holds {len(models)} models; at most {MOST_MODELS} can be rated together")
    _check_pairs(file, first, second, models, at)
    made = BattleFile(
        name=path.name,
        models=models,
        first=first,
        second=second,
        value=value,
        cluster=columns[question].codes if question else None,
        group=columns[group] if group else None,
        style={feature: _compared(file, feature, columns, at) for feature in features},
        left_out=total - at.size,
    )
    return made if time is None else made.sorted_by(columns[time])


def _winner(file: Source) -> str:
    if set(WINNER) <= set(file.names):
        raise BadFile(f"{file.path}: has both a column winner and a column win")
    return file.need(*WINNER)


def _sides(feature: str) -> tuple[str, str]:
    return f"{feature}_a", f"{feature}_b"


def _features(file: Source, wanted: Sequence[str]) -> tuple[str, ...]:
    """The features wanted, or all that have a pair of number columns, in the order of the file."""
    pairs = [name.removesuffix("_a") for name in file.names if name.endswith("_a") and name not in MODELS]
    there = tuple(dict.fromkeys(name for name in pairs if set(_sides(name)) <= file.numeric))
    if not there and not wanted:
        raise BadFile(f"{file.path}: has no pair of number columns such as length_a and length_b, which style needs")
    for name in wanted:
        if not set(_sides(name)) <= set(file.names):
            told = f"there are: {some(there)}" if there else "there are none"
            raise BadFile(f"{file.path}: has no columns {name}_a and {name}_b for style; {told}")
    found = tuple(dict.fromkeys(wanted)) or there
    for name in (side for feature in found for side in _sides(feature)):
        file.need(name)
    return found


def _compared(file: Source, feature: str, columns: dict[str, Any], at: Rows) -> NDArray[np.float64]:
    """How much more of the feature the first answer has, as a share (n,). Its columns are dropped from `columns`."""
    sides = _sides(feature)
    for name in sides:
        below = columns[name] < 0
        if below.any():
            row = int(below.argmax())
            raise file.bad(int(at[row]), f"{name} is {columns[name][row]:g}; a feature of style cannot be below 0")
    return relative_difference(*(columns.pop(name) for name in sides))


def _asked_for(file: Source, columns: dict[str, Any], *, anonymous_only: bool, judge: str | None) -> Rows:
    """The rows to rate. Raises BadFile where there are none."""
    mask = np.ones(len(columns["model_a"]), dtype=bool)
    if not mask.size:
        raise BadFile(f"{file.path}: holds no battles")
    if anonymous_only:
        file.full("anony", columns["anony"], np.arange(mask.size))
        mask &= columns["anony"] == 1
    if judge:
        code = columns["judge"].code(judge)
        mask &= (columns["judge"].codes == code) & (code != EMPTY)
    if not mask.any():
        raise BadFile(f"{file.path}: holds no battles{_wanted(columns, anonymous_only=anonymous_only, judge=judge)}")
    return np.flatnonzero(mask)


def _wanted(columns: dict[str, Any], *, anonymous_only: bool, judge: str | None) -> str:
    """What was asked for and is not there, after "holds no battles"."""
    anonymous = " that are anonymous" if anonymous_only else ""
    return f"{anonymous} of judge {judge}; there are: {some(columns['judge'].used())}" if judge else anonymous


def _values(file: Source, winner: Words, at: Rows) -> NDArray[np.int8]:
    values = np.zeros(len(winner.names), dtype=np.int8)
    for code, name in enumerate(winner.names.to_pylist()):
        strange = winner.codes == code if name not in WINNERS else np.zeros(1, dtype=bool)
        if strange.any():
            told = f"winner is {quoted(name)}, not one of {', '.join(WINNERS)}"
            raise file.bad(int(at[strange.argmax()]), told)
        values[code] = WINNERS.get(name, 0)
    return values[winner.codes]


def _coded(first: Words, second: Words) -> tuple[NDArray[np.int32], NDArray[np.int32], list[str]]:
    """Both columns as codes of one list of names, in the order of the alphabet."""
    models = sorted(first.used() | second.used())
    code = {name: place for place, name in enumerate(models)}

    def recoded(words: Words) -> NDArray[np.int32]:
        lookup = np.array([code.get(name, EMPTY) for name in words.names.to_pylist()], dtype=np.int32)
        return lookup[words.codes]

    return recoded(first), recoded(second), models


def _check_pairs(
    file: Source, first: NDArray[np.int32], second: NDArray[np.int32], models: list[str], at: Rows
) -> None:
    alone = first == second
    if alone.any():
        place = int(alone.argmax())
        raise file.bad(int(at[place]), f"{plain(models[first[place]])} fights itself")
