"""How fast each model answered the questions of a benchmark: medians, found by the database."""

from __future__ import annotations

from typing import Any

from django.db import connection

from arena.models import Answer, Benchmark, Question

MEDIAN = """
SELECT model_id, AVG(value), MAX(n) FROM (
  SELECT model_id, value,
    ROW_NUMBER() OVER (PARTITION BY model_id ORDER BY value) AS place, COUNT(*) OVER (PARTITION BY model_id) AS n
  FROM (
    SELECT answer.model_id AS model_id, {value} AS value
    FROM {answers} answer JOIN {questions} question ON question.id = answer.question_id
    WHERE question.benchmark_id = %s AND answer.error = '' AND {known}
  ) measured
) placed
WHERE 2 * place BETWEEN n AND n + 2 GROUP BY model_id
"""
"""The mean of the one or two values in the middle; the same in SQLite and PostgreSQL."""

MEASURES = {
    "first_token": ("answer.first_token_s", "answer.first_token_s IS NOT NULL"),
    "per_second": ("answer.tokens_out / answer.seconds", "answer.tokens_out IS NOT NULL AND answer.seconds > 0"),
}


def speeds(benchmark: Benchmark) -> dict[int, dict[str, Any]]:
    """For each model (id) the medians of its good answers: {first_token, per_second, n}. Two queries that read every answer.

    `first_token` in seconds, `per_second` tokens written by the seconds of the whole answer; None where no answer was timed.
    `n` answers have a speed, or a first token where none has. Models without either are left out.
    """
    found: dict[int, dict[str, Any]] = {}
    for name, (value, known) in MEASURES.items():
        for model, median, n in _medians(benchmark, value, known):
            told = found.setdefault(model, {"first_token": None, "per_second": None, "n": 0})
            told |= {name: float(median), "n": n}
    return found


def _medians(benchmark: Benchmark, value: str, known: str) -> list[tuple[int, float, int]]:
    tables = {"answers": Answer._meta.db_table, "questions": Question._meta.db_table}
    with connection.cursor() as cursor:
        cursor.execute(MEDIAN.format(value=value, known=known, **tables), [benchmark.pk])
        return cursor.fetchall()
