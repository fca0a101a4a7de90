"""A file with several mistakes reports each of them with its line; the file is the one that the README shows."""

import re
from pathlib import Path

import pytest

import backpropsym as bp

ROOT = Path(__file__).resolve().parents[2]


def broken_file() -> str:
    text = (ROOT / "README.md").read_text()
    found = re.search(r"<!-- file: broken\.toml -->\n```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_five_mistakes_give_five_problems_each_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(broken_file())
    with pytest.raises(bp.BackpropsymError) as caught:
        bp.load(file)
    problems = caught.value.problems
    assert [problem.where.line for problem in problems if problem.where] == [7, 8, 9, 11, 12]
    assert all(problem.fix for problem in problems)
    assert all(problem.where and problem.where.width for problem in problems)


def test_without_the_mistakes_the_file_loads() -> None:
    repaired = broken_file()
    for wrong, right in (
        ("w4", "w3"),
        ("sigmoyd", "sigmoid"),
        (" + v", ""),
        ('z = "tanh(s)"\n', ""),
        ("v^2", "v**2"),
    ):
        assert wrong in repaired
        repaired = repaired.replace(wrong, right, 1)
    assert bp.loads(repaired).output == "a"
