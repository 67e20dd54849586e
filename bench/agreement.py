"""Agreement, side by side: Juryroom's statistics and its peers on the same seeded votes, in one run.

    python bench/agreement.py              10⁵ and 10⁶ items with 3 votes each, a few minutes
    python bench/agreement.py --full       10⁴, 10⁵ and 10⁶ items
    python bench/agreement.py --no-peers   ours alone
    python bench/agreement.py --markdown   tables for bench/README.md

What the columns mean, and how the peers are installed, is said in bench/rating.py. *Apart* is the largest difference from
our α, or from our κ of any two annotators.

The data: 50 annotators who know the truth unequally often, three values, α about 0.4, 2,000 questions in 20 categories
(bench/data.py). We are given the columns of the votes: item, annotator, value, sorted by item (α also shuffled). The peers
get the table that they ask for, ready made and as small as can be: three rows of votes for α, counts for krippendorff's
second way in.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: its rating.py would hide the package

from bench.data import write_votes  # noqa: E402
from bench.measure import Row  # noqa: E402
from bench.side_by_side import Bar, Size, arguments, ratio, run  # noqa: E402

US = "Juryroom"
ALPHA, INTERVAL, WHOLE, PAIRS, TABLE = "α", "α + interval", "all coefficients", "κ of all pairs", "20 categories"
ITEMS, MILLION = (10_000, 100_000, 1_000_000), 1_000_000
VOTES = 3

ROWS = (
    Row(ALPHA, US, "columns", "votes_ours:alpha", key="alpha"),
    Row(ALPHA, "evalica", "DataFrame", "votes_peers:evalica_alpha", key="evalica", against="alpha"),
    Row(ALPHA, "krippendorff", "table of votes", "votes_peers:krippendorff_table", against="alpha"),
    Row(ALPHA, "krippendorff", "counts", "votes_peers:krippendorff_counts", against="alpha"),
    Row(INTERVAL, US, "columns", "votes_ours:alpha_interval", key="interval"),
    Row(INTERVAL, US, "columns, shuffled", "votes_ours:alpha_interval_shuffled"),
    Row(INTERVAL, US, "clustered by question", "votes_ours:alpha_interval_clustered"),
    Row(INTERVAL, "evalica", "1000 resamples", "votes_peers:evalica_interval", key="evalica's", against="interval"),
    Row(WHOLE, US, "with α's interval", "votes_ours:whole"),
    Row(WHOLE, US, "clustered by question", "votes_ours:whole_clustered"),
    Row(PAIRS, US, "columns", "votes_ours:all_pairs", key="pairs"),
    Row(PAIRS, US, "all coefficients of each pair", "votes_ours:all_pairs_whole"),
    Row(PAIRS, "scikit-learn", "in a loop", "votes_peers:scikit_learn_all_pairs", against="pairs"),
    Row("Dawid–Skene", US, "20 rounds", "votes_ours:dawid_skene"),
)
BY_CATEGORY = (
    Row(TABLE, US, "people, clustered", "votes_ours:by_category_people"),
    Row(TABLE, US, "people and a machine, clustered", "votes_ours:by_category_judged"),
    Row(WHOLE, US, "clustered, no categories", "votes_ours:whole_clustered"),
)
BARS = (
    Bar("α with interval ≥ 3× faster than evalica's α alone", ratio("evalica", "interval"), 3),
    Bar("α with interval ≥ 500× faster than evalica's interval", ratio("evalica's", "interval"), 500),
)


def label(items: int) -> str:
    return f"{items:,} items × {VOTES} votes"


def size(items: int) -> Size:
    return Size(label(items), items, ROWS, partial(write_votes, items=items), family="50 annotators")


if __name__ == "__main__":
    options = arguments(__doc__)
    chosen = [size(items) for items in ITEMS if options.full or items > ITEMS[0]]
    few = Size("100,000 votes × 20 categories", 100_000, BY_CATEGORY, partial(write_votes, items=100_000 // VOTES))
    run([*chosen, few], BARS, at=label(MILLION), apart="α or κ", options=options)
