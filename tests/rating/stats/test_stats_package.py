"""The package as a whole: quick to import, free of Django, and its usage example true."""

import doctest
import subprocess
import sys
from pathlib import Path

import rating.stats

ROOT = Path(__file__).resolve().parents[3]


def test_importing_pulls_in_neither_django_nor_the_slow_parts_of_scipy():
    code = "import sys, rating.stats; print(*sorted({name.split('.')[0] for name in sys.modules}), 'scipy.stats' in sys.modules)"
    names = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"django", "channels", "celery", "pandas", "scipy", "True"} & set(names.split())


def test_the_example_in_the_docstring_is_true():
    assert doctest.testmod(rating.stats).failed == 0
    assert doctest.testmod(rating.stats).attempted > 0


def test_every_public_name_exists_and_has_a_docstring_or_is_a_word():
    for name in rating.stats.__all__:
        found = getattr(rating.stats, name)
        assert isinstance(found, str) or found.__doc__
