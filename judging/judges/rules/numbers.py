"""The number that an answer ends with."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation, localcontext

from judging.judges.rules.base import Check, Outcome, is_finite

DIGITS = 100  # of the numbers compared


def check_number(text: str, check: Check) -> Outcome:
    """The last number of the answer (or the one in the last box) is the expected one, within the tolerance."""
    expected, tolerance = Decimal(str(check["expected"])), Decimal(str(check.get("tolerance", 0)))
    numbers = final_numbers(text)
    with localcontext(prec=DIGITS):
        passed = any(abs(number - expected) <= tolerance for number in numbers)
    return Outcome(passed, f"the number is {numbers[0]}" if numbers else "no number was found")


_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]{0,100}\}){1,200})\}")
_FRACTION = re.compile(r"\\[dt]?frac\{\s*(-?\d{1,20})\s*\}\{\s*(\d{1,20})\s*\}")
_NUMBER = re.compile(
    r"""(?<![A-Za-z0-9_.])(-?)\$?(\d{1,3}(?:,\d{3})+(?!\d)|\d{1,40}(?!\d))(\.\d{1,40})?(?:[eE]([+-]?\d{1,3})(?!\d))?
        (?:\s*(?:×|x|\*|\\times)\s*10\s*\^\s*\{?(-?\d{1,3})\}?)?
        (?:\s*/\s*(\d{1,20})(?![\d.,/]))?\s*(\\?%|万|亿)?""",
    re.VERBOSE,
)
_SCALES = {"%": Decimal("0.01"), "\\%": Decimal("0.01"), "万": Decimal(10_000), "亿": Decimal(100_000_000)}


def final_numbers(text: str) -> list[Decimal]:
    """What the last number of a text may mean: as it is written, then (with %, 万 or 亿) as it counts.

    "1,234.5", "１２", "-3", "−3", "6e3", "2 × 10^8", "3/4", "\\frac{3}{4}" and "$5" are numbers; a number in the
    last `\\boxed{}` goes before all others. Empty where there is none.
    """
    plain = unicodedata.normalize("NFKC", text.replace("½", "1/2")).translate(_SIGNS)
    boxed = _BOXED.findall(plain)
    for part in (boxed[-1:] or []) + [plain]:
        last = deque(_NUMBER.finditer(_FRACTION.sub(r" \1/\2 ", part)), maxlen=1)
        if last:
            return _meanings(last[0])
    return []


_SIGNS = str.maketrans({"\u2212": "-", "\u2044": "/", "\u00a0": " ", "\u2009": "", "\u202f": ""})


def _meanings(match: re.Match[str]) -> list[Decimal]:
    sign, whole, fraction, exponent, power, divisor, scale = match.groups()
    try:
        number = Decimal(f"{sign}{whole.replace(',', '')}{fraction or ''}")
        with localcontext(prec=DIGITS):
            number = number.scaleb(int(exponent or 0) + int(power or 0))
            number = number / Decimal(divisor) if divisor else number
    except (InvalidOperation, ZeroDivisionError):
        return []
    return [number, number * _SCALES[scale]] if scale else [number]


def tolerance_not_below_zero(check: Check) -> Iterator[str]:
    tolerance = check.get("tolerance", 0)
    if is_finite(tolerance) and tolerance < 0:
        yield "'tolerance' of a check of type 'number' is below zero"
