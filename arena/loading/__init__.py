"""Published files in: one module for each format, one line for each in this table.

Reading checks everything first and collects every problem; writing comes after, whole or not at all.
"""

from arena.loading import faireval, llmuses, mt_bench, own
from arena.loading.records import BadInput, Batch, ModelRecord, Problem, Report
from arena.loading.writing import write

FORMATS = {
    "juryroom": own.read,
    "mt_bench": mt_bench.read,
    "llmuses": llmuses.read,
    "faireval": faireval.read,
}

__all__ = ["FORMATS", "BadInput", "Batch", "ModelRecord", "Problem", "Report", "write"]
