"""Ratings, side by side: Juryroom's statistics and its peers on the same seeded battles, in one run.

    python bench/rating.py              10⁵ and 10⁶ battles of 100 models, a few minutes
    python bench/rating.py --full       10⁵, 10⁶, 10⁷ battles × 20, 100, 300 models, half an hour
    python bench/rating.py --no-peers   ours alone
    python bench/rating.py --markdown   tables for bench/README.md

The peers are installed, pinned, into an environment that is thrown away (bench/peers.py; --peers FOLDER keeps it for the
next run). Each line is a process of its own. *Median* is of at least five calls, without the *first call*, which also
imports and compiles; of three where a call takes over 20 s, of fewer where it takes longer still, and it says so.
*Memory* is the peak above what the process held before the first call, with the data in place (workers of a pool not
counted). *Ours is faster* divides by our line of the same task, fit + interval for a fit. *Apart* is the largest
difference from our rating, in points, both centred.

*Reading the integer columns once* is one sum over each of `first`, `second`, `value` (int64): nothing that looks at every
battle can be faster. Reading and fitting are timed with warm caches, call after call, and with *swept* ones: 200 MB of
something else are read between two calls, as when battles have just come from a file or a database.

The data: Davidson's model (ν = 0.5), strengths N(0, 0.7), 2,000 questions with tastes, models unequally often seen; four
features of style (bench/data.py). The peers get the table of names that they ask for, ready made.
FastChat's released package has only its older functions; its newer ones are written anew, after the method
(bench/calls/fastchat.py).
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: its rating.py would hide the package

from bench.data import write_battles  # noqa: E402
from bench.measure import Row  # noqa: E402
from bench.side_by_side import Bar, Size, arguments, milliseconds, ratio, run  # noqa: E402

US = "Juryroom"
FIT, INTERVAL, ELO, STYLE = "fit", "fit + interval", "online Elo", "style control"
MANY, THOUSAND = "100 bootstraps", "1000 bootstraps"
BATTLES, MODELS = (100_000, 1_000_000, 10_000_000), (20, 100, 300)
USUAL = 100
MILLION = 1_000_000

OURS = (
    Row("limit", US, "reading the integer columns once", "battles_ours:reading", key="reading", cold=True),
    Row("counts", US, "integer columns", "battles_ours:counting"),
    Row(INTERVAL, US, "integer columns", "battles_ours:fit", key="fit", cold=True),
    Row(INTERVAL, US, "clustered by question", "battles_ours:fit_clustered", key="clustered"),
    Row(INTERVAL, US, "table of names", "battles_ours:fit_names"),
    Row("Davidson", US, "fit + interval", "battles_ours:ties"),
    Row(MANY, US, "integer columns", "battles_ours:bootstrap_100", key=MANY),
    Row(THOUSAND, US, "integer columns", "battles_ours:bootstrap_1000"),
    Row(ELO, US, "integer columns", "battles_ours:online_elo", key=ELO),
    Row("10 shuffled Elos", US, "integer columns", "battles_ours:shuffled_elo"),
    Row(STYLE, US, "with interval", "battles_ours:style", key=STYLE),
    Row(STYLE, US, "with interval, clustered", "battles_ours:style_clustered"),
)
PEERS = (
    Row(INTERVAL, "arena-rank", "table of names", "battles_peers:arena_rank", key="arena-rank", against="fit"),
    Row(INTERVAL, "arena-rank", "counted before", "battles_peers:arena_rank_prepared", against="fit", most=MILLION),
    Row(FIT, "FastChat", "newer method, table of names", "battles_peers:fastchat", key="FastChat", against="fit"),
    Row(
        FIT, "FastChat", "as released, table of names", "battles_peers:fastchat_published", against="fit", most=MILLION
    ),
    Row(FIT, "evalica", "table of names", "battles_peers:evalica_frame", against="fit"),
    Row(FIT, "evalica", "integers", "battles_peers:evalica_integers", against="fit"),
    Row(FIT, "evalica", "its Rust core alone", "battles_peers:evalica_core", against="fit"),
    Row(
        MANY,
        "FastChat",
        "newer method, all cores",
        "battles_peers:fastchat_bootstrap",
        key="FastChat's",
        against=MANY,
        most=MILLION,
    ),
    Row(MANY, "evalica", "5, times 20", "battles_peers:evalica_bootstrap", against=MANY, times=20, most=MILLION),
    Row(ELO, "FastChat", "newer method", "battles_peers:fastchat_elo", against=ELO),
    Row(ELO, "FastChat", "as released", "battles_peers:fastchat_elo_published", against=ELO, most=MILLION),
    Row(ELO, "evalica", "table of names", "battles_peers:evalica_elo", against=ELO),
    Row(ELO, "evalica", "its Rust core alone", "battles_peers:evalica_elo_core", against=ELO),
    Row(
        STYLE,
        "arena-rank",
        "with interval",
        "battles_peers:arena_rank_style",
        key="styled",
        against=STYLE,
        most=MILLION,
    ),
    Row(STYLE, "FastChat", "no interval", "battles_peers:fastchat_style", against=STYLE, most=MILLION),
)
BARS = (
    Bar("fit + interval from integer columns ≤ 4× reading them once, warm", ratio("fit", "reading"), 4, at_most=True),
    Bar("the same with caches swept", ratio("fit", "reading", swept=True), 4, at_most=True),
    Bar("fit + interval ≥ 200× faster than arena-rank's fit + interval", ratio("arena-rank", "fit"), 200),
    Bar("fit + interval ≥ 100× faster than FastChat's fit", ratio("FastChat", "fit"), 100),
    Bar("clustered interval ≤ 100 ms", milliseconds("clustered"), 100, at_most=True, unit="ms"),
    Bar("style control with interval ≥ 10× faster than arena-rank", ratio("styled", STYLE), 10),
    Bar("100 bootstraps ≥ 15× faster than FastChat", ratio("FastChat's", MANY), 15),
)


def label(n: int, models: int) -> str:
    return f"{n:,} battles × {models} models"


def size(n: int, models: int) -> Size:
    """Ours at every size, but 1000 bootstraps, whose time hardly grows with n; slow peers with the usual number of models."""
    ours = [row for row in OURS if row.task != THOUSAND or models == USUAL or n == MILLION]
    most = {row: row.most if models == USUAL else MILLION if row.most > MILLION else 0 for row in PEERS}
    peers = [row for row in PEERS if n <= most[row]]
    return Size(
        label(n, models),
        n,
        tuple(sorted((*ours, *peers), key=lambda row: ORDER.index(row.task))),
        partial(write_battles, n=n, models=models),
        family=f"{models} models",
    )


ORDER = ("limit", "counts", INTERVAL, FIT, "Davidson", MANY, THOUSAND, ELO, "10 shuffled Elos", STYLE)

if __name__ == "__main__":
    options = arguments(__doc__)
    chosen = [
        size(n, models) for models in MODELS for n in BATTLES if options.full or (models == USUAL and n <= MILLION)
    ]
    run(chosen, BARS, at=label(MILLION, USUAL), apart="points", options=options)
