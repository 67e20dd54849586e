"""Leaderboards that others publish, as tables of scores: AlpacaEval's leaderboard.csv."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from arena.loading.said import said as _

ALPACA_EVAL = "AlpacaEval"
MARKS = frozenset(("win_rate", "standard_error", "n_total"))
NAMES = ("", "model", "name", "Unnamed: 0")
"""What the column of the models is called: an index has no name, unless somebody saved the table again."""

RATE, ERROR, LENGTH = "%", "points", "characters"
FIGURES = (
    ("win_rate", "win rate", RATE),
    ("standard_error", "standard error of the win rate", ERROR),
    ("length_controlled_winrate", "length-controlled win rate", RATE),
    ("lc_standard_error", "standard error of the length-controlled win rate", ERROR),
    ("discrete_win_rate", "discrete win rate", RATE),
    ("avg_length", "average length", LENGTH),
)
SHARES = ("win_rate", "discrete_win_rate")  # those that are means over the questions
COUNTS = ("n_wins", "n_wins_base", "n_draws")
READ_FROM = {"n": "n_total", "source": "mode"}
"""The column that another field of a score is read from."""
KNOWN = {"mode", "n_total", *COUNTS, *(column for column, _metric, _unit in FIGURES)}
CLOSE = 0.01  # per cent, by which rates that were rounded may differ


def is_leaderboard(names: Collection[str]) -> bool:
    """Whether a table of these columns is a leaderboard as AlpacaEval publishes it."""
    return set(names) >= MARKS


def unknown_columns(names: Collection[str]) -> list[str]:
    """The columns that are none of a leaderboard's; of those without a name, one may be the models'."""
    return sorted(name for name in names if name not in KNOWN and name not in NAMES)


def scores_of(row: Mapping[str, str], benchmark: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each figure of a row, by its column, with the score it is as a table of scores says it; empty cells are none."""
    mode = row.get("mode", "").strip()
    source = f"AlpacaEval leaderboard ({mode})" if mode else "AlpacaEval leaderboard"
    model = next((row[name] for name in NAMES if name in row), "")
    for column, metric, unit in FIGURES:
        if (value := row.get(column, "")).strip():
            told = {"model": model, "benchmark": benchmark, "metric": metric, "value": value, "unit": unit}
            n = row["n_total"] if column in SHARES else ""
            yield column, {**told, "source": source, "n": n, "lower_is_better": str(unit == ERROR).lower()}


def what_is_wrong(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What keeps the figures of a row from being true, by column: an error below 0, counts that do not make the rate.

    The counts are kept no further: the discrete win rate is made of them.
    """
    for column, _metric, unit in FIGURES:
        value = _number(row.get(column, ""))
        if value is not None and value < 0 and unit != RATE:
            yield column, _("is %(value)s, which is below 0", value=f"{value:g}")
    wins, losses, draws = (_number(row.get(name, "")) for name in COUNTS)
    total, rate = _number(row["n_total"]), _number(row.get("discrete_win_rate", ""))
    if wins is None or losses is None or draws is None or not total:
        return
    if wins + losses + draws != total:
        told = {"value": f"{total:g}", "names": " + ".join(COUNTS), "sum": f"{wins + losses + draws:g}"}
        yield "n_total", _("is %(value)s, and %(names)s are %(sum)s", **told)
    elif rate is not None and abs(100 * (wins + draws / 2) / total - rate) > CLOSE:
        told = {"value": f"{rate:g}", "made": f"{100 * (wins + draws / 2) / total:.2f}"}
        yield "discrete_win_rate", _("is %(value)s, and the counts beside it make %(made)s", **told)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
