"""Published battle files, rated without a database: who fought whom, who won, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rating import stats
from rating.files.columns import EMPTY, AsFlags, AsNumbers, AsTimes, AsWords, Kind, Words
from rating.files.problems import BadFile, plain, quoted, some
from rating.files.reading import Source, source

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

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Features:
    """Raw style features of both answers: `first` and `second` (n, f), with their f names."""

    names: tuple[str, ...]
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    def __getitem__(self, rows: Rows) -> Features:
        return Features(self.names, self.first[rows], self.second[rows])


@dataclass(frozen=True)
class BattleFile:
    """The n battles of a file, with the models' names by code; `left_out` counts rows that were not asked for.

    `first`, `second`: int32 (n,) into `models`; `value`: int8 (n,) in -2..2 towards first. `cluster`: question of each
    battle (n,), None where the file names none. `group`: the column to part the battles by; `features` of style.
    """

    name: str
    models: list[str]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    value: NDArray[np.int8]
    cluster: NDArray[np.int32] | None = None
    group: Words | None = None
    features: Features | None = None
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.first)

    @property
    def battles(self) -> stats.Battles:
        """The battles for the statistics; every one is a question of its own where the file names none."""
        cluster = np.arange(len(self)) if self.cluster is None else self.cluster
        return stats.Battles(self.first, self.second, self.value, cluster)

    @property
    def counts(self) -> stats.Counts:
        return stats.counts(self.battles, len(self.models))

    def weighed(self, strong: int) -> stats.Battles:
        """The battles with each much better answer `strong` times, on one question: it weighs more and is no more data."""
        times = np.where(np.abs(self.value) > 1, strong, 1)
        battles = self.battles
        columns = (battles.first, battles.second, battles.value, battles.cluster)
        return stats.Battles(*(np.repeat(column, times) for column in columns))

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
        columns = ("first", "second", "value", "cluster", "group", "features")
        return replace(self, **{name: part[rows] for name in columns if (part := getattr(self, name)) is not None})


def read(
    path: Path,
    *,
    anonymous_only: bool = False,
    judge: str | None = None,
    group: str | None = None,
    cluster: str | None = None,
    style: bool = False,
    in_order: bool = True,
) -> BattleFile:
    """The battles of a CSV, JSON, JSON lines or Parquet file.

    Columns: model_a, model_b, winner (or win): one of WINNERS. `anonymous_only`: rows whose column anony is true;
    `judge`: those of this judge, by the column judge. `group`, `cluster`: names of columns; without `cluster` the
    question is in question_id or question, if anywhere. `style`: with every pair of number columns named like
    length_a, length_b. `in_order`: sorted by `tstamp` where there is one (Elo depends on the order). Raises BadFile.
    """
    file = source(path)
    winner = _winner(file)
    question = file.need(cluster) if cluster else file.find(*QUESTION)
    features = _feature_names(file) if style else ()
    time = file.find("tstamp") if in_order else None
    words = [*map(file.need, MODELS), winner, question, group and file.need(group), judge and file.need("judge")]
    kinds: dict[str, Kind] = {name: AsWords() for name in words if name}
    kinds |= {name: AsNumbers() for feature in features for name in _sides(feature)}
    kinds |= {file.need("anony"): AsFlags()} if anonymous_only else {}
    kinds |= {time: AsTimes()} if time else {}
    columns = file.columns(kinds)
    total = len(columns["model_a"])
    at = _asked_for(file, columns, anonymous_only=anonymous_only, judge=judge)
    columns = {name: column[at] for name, column in columns.items()} if at.size < total else columns
    for name, column in columns.items():
        file.full(name, column, at)
    value = _values(file, columns[winner], at)
    first, second, models = _coded(columns["model_a"], columns["model_b"])
    _check_pairs(file, first, second, models, at)
    made = BattleFile(
        name=path.name,
        models=models,
        first=first,
        second=second,
        value=value,
        cluster=columns[question].codes if question else None,
        group=columns[group] if group else None,
        features=_features(features, columns) if style else None,
        left_out=total - at.size,
    )
    return made if time is None else made.sorted_by(columns[time])


def _winner(file: Source) -> str:
    if set(WINNER) <= set(file.names):
        raise BadFile(f"{file.path}: has both a column winner and a column win")
    return file.need(*WINNER)


def _sides(feature: str) -> tuple[str, str]:
    return f"{feature}_a", f"{feature}_b"


def _feature_names(file: Source) -> tuple[str, ...]:
    """What the pairs of number columns `<feature>_a`, `<feature>_b` are called, in the order of the file."""
    ending = [name.removesuffix("_a") for name in file.names if name.endswith("_a")]
    found = tuple(dict.fromkeys(name for name in ending if set(_sides(name)) <= file.numeric))
    if not found:
        raise BadFile(f"{file.path}: has no pair of number columns such as length_a and length_b, which style needs")
    for feature in found:
        for name in _sides(feature):
            file.need(name)
    return found


def _features(names: tuple[str, ...], columns: dict[str, Any]) -> Features:
    first, second = (np.stack([columns[f"{name}_{side}"] for name in names], axis=1) for side in "ab")
    return Features(names, first, second)


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
