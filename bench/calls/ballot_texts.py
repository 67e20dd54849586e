"""Answers of the usual size as people see them on a ballot: paragraphs, a list, code; some with formulas."""

from __future__ import annotations

from bench.calls.judging_texts import ANSWERS, answer, question

DIFFERENT = 40  # texts; more would be rendered for nothing
FORMULAS = r"""
The time is \(t = \frac{M^{2/3} c \rho^{1/3}}{K \pi^2 (4\pi/3)^{2/3}} \ln\left[0.76 \frac{T_0 - T_w}{T_y - T_w}\right]\), with
\(M\) the mass, \(\rho\) the density and \(K\) the conductivity. For $T_0 = 4$ and $T_w = 100$:

$$
t \approx \int_0^{R} \frac{r^2}{\alpha}\,dr = \sum_{n=1}^{\infty} \frac{(-1)^{n+1}}{n^2} e^{-n^2 \pi^2 \alpha t / R^2}
$$

so that \(t_{soft} < t_{hard}\), and \(\sqrt{x^2 + y^2} \le |x| + |y|\).
"""


def markdown(side: int, k: int, *, maths: bool = False) -> str:
    """What the model on this side wrote to question k."""
    said = answer(ANSWERS[side % 2], k % DIFFERENT).rsplit(" ", 2)[0]
    parts = said.split(". ")
    middle = len(parts) // 2
    listed = "\n".join(f"{number}. **{part.split()[0]}** {part}" for number, part in enumerate(parts[middle:], 1))
    code = f"```python\ndef boil(minutes={k % 9 + 3}):\n    return 'soft' if minutes < 7 else 'hard'\n```"
    return "\n\n".join([". ".join(parts[:middle]) + ".", listed, code, *([FORMULAS] if maths else [])])


def asked(k: int) -> str:
    return question(k)
