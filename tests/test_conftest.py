"""CI's rule about skips, and the browser that the tests are given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from arena import setup

NEEDS_SHARED = "def test_published_table(shared):\n    assert (shared / 'table.csv').exists()\n"


def run(folder: Path, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run these tests with our conftest in a folder of their own."""
    (folder / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (folder / "test_it.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:django",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
    ]
    environment = {"PYTHONPATH": str(setup.ROOT), "PATH": "/usr/bin:/bin", **environment}
    return subprocess.run([*command, str(folder)], cwd=folder, env=environment, capture_output=True, text=True)


def test_without_the_shared_folder_a_test_is_skipped_also_in_ci(tmp_path: Path) -> None:
    done = run(tmp_path, NEEDS_SHARED, JURYROOM_SHARED=str(tmp_path / "none"), CI="true")
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\ndef test_a():\n    pytest.skip('the shared data folder is not here')\n",
        "import pytest\npytest.skip('the shared data folder is not here', allow_module_level=True)\n",
        "import pytest\n@pytest.mark.skipif(True, reason='the shared data folder is not here')\ndef test_a(): pass\n",
        "import pytest\ndef test_a():\n    pytest.skip('Chromium is not here')\n",
    ],
)
def test_ci_accepts_no_skip_for_what_is_there(tmp_path: Path, text: str) -> None:
    failed = run(tmp_path, text, JURYROOM_SHARED=str(tmp_path), CI="true")
    assert failed.returncode != 0
    assert "CI does not accept this skip" in failed.stdout
    assert run(tmp_path, text, JURYROOM_SHARED=str(tmp_path)).returncode in (0, 5), "outside CI it is only a skip"


def test_ci_accepts_a_skip_with_another_reason(tmp_path: Path) -> None:
    done = run(tmp_path, "import pytest\ndef test_a():\n    pytest.skip('no Redis here')\n", CI="true")
    assert "1 skipped" in done.stdout


@pytest.mark.browser
def test_a_page_runs_scripts_in_a_real_browser(page) -> None:
    page.set_content("<html lang=en><title>t</title><p id=p></p><script>p.textContent = 1 + 1</script></html>")
    assert page.locator("#p").text_content() == "2"


@pytest.mark.browser
def test_a_script_error_on_a_page_fails_its_test(tmp_path: Path) -> None:
    text = "def test_a(page):\n    page.set_content('<script>nothing.here()</script>')\n    page.wait_for_timeout(50)\n"
    done = run(tmp_path, text, HOME=str(tmp_path))
    assert done.returncode == 1, done.stdout
    assert "scripts failed on the page" in done.stdout


@pytest.mark.browser
def test_a_browser_test_does_not_break_an_async_one_after_it(tmp_path: Path) -> None:
    text = "import asyncio\ndef test_a(page):\n    pass\ndef test_b():\n    asyncio.run(asyncio.sleep(0))\n"
    done = run(tmp_path, text, HOME=str(tmp_path))
    assert "2 passed" in done.stdout, done.stdout
