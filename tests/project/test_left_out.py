"""Tests whose programs do not start are left out, and the report says what to install; under CI that is an error."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def collected(**environment: str) -> subprocess.CompletedProcess[str]:
    """What pytest collects of a file with tests of pages, where Playwright's Node ends with an error."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    broken = kept | {"PLAYWRIGHT_NODEJS_PATH": str(shutil.which("false"))} | environment
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--collect-only",
        "-p",
        "no:cacheprovider",
        "tests/story/test_frames.py",
    ]
    return subprocess.run(command, cwd=ROOT, env=broken, capture_output=True, text=True, check=False)


def test_where_the_driver_does_not_start_its_tests_are_left_out() -> None:
    report = collected()
    assert report.returncode == 0
    assert "test_the_layout_is_the_same_at_every_step" in report.stdout
    assert "test_from_the_first_moment_one_step_is_shown" not in report.stdout
    (line,) = [line for line in report.stdout.splitlines() if line.startswith("tests left out for want of")]
    assert "the driver of the browser" in line and "libatomic1" in line


def test_under_ci_a_missing_program_is_an_error() -> None:
    report = collected(CI="1")
    assert report.returncode == 4
    assert "libatomic1" in report.stderr
