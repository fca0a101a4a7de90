"""README.md and docs/ show what the code does."""

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

import backpropsym as bp
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.lowering import COMPOSITIONS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
REFRESHED = [page for page in PAGES if "<!-- " in page.read_text()]


@pytest.fixture
def refresh(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", REFRESHED, ids=lambda path: path.name)
def test_page_shows_what_the_code_prints(page: Path, refresh: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh.main(["--check", str(page)]) == 0, "".join(capsys.readouterr())


def page(folder: Path, command: str, below: str) -> Path:
    path = folder / "page.md"
    path.write_text(f"<!-- run: {command} -->\n```text\n{below}```\n")
    return path


def test_a_stale_page_is_found_and_mended(refresh: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "ROOT", tmp_path)
    stale = page(tmp_path, "printf hello", "$ printf hello\ngood bye\n")
    assert refresh.main(["--check", str(stale)]) == 1
    assert refresh.main([str(stale)]) == 0
    assert "hello\n```" in stale.read_text()
    assert refresh.main(["--check", str(stale)]) == 0


def test_a_command_that_ends_otherwise_than_the_page_says_is_an_error(refresh: ModuleType, tmp_path: Path) -> None:
    assert refresh.main(["--check", str(page(tmp_path, "false", ""))]) == 1


def test_a_session_is_made_anew(refresh: ModuleType) -> None:
    old = (
        ">>> x = 1\n>>> x + 1\n3\n>>> for each in (1, 2):\n...     print(each)\n>>> 1 / 0\n"
        "Traceback (most recent call last):\n    ...\nValueError: otherwise\n"
    )
    new = (
        ">>> x = 1\n>>> x + 1\n2\n>>> for each in (1, 2):\n...     print(each)\n1\n2\n>>> 1 / 0\n"
        "Traceback (most recent call last):\n    ...\nZeroDivisionError: division by zero\n"
    )
    assert refresh.session(old, {}) == new


def test_a_session_that_raises_what_the_page_does_not_show_is_an_error(refresh: ModuleType) -> None:
    with pytest.raises(refresh.RefreshError, match="ZeroDivisionError"):
        refresh.session(">>> 1 / 0\n", {})


def commands() -> dict[str, str]:
    text = (ROOT / "README.md").read_text()
    return dict(re.findall(r"^<!-- command: (\w+) -->\n```sh\n([^\n]+)\n```$", text, re.MULTILINE))


def test_the_readme_has_two_commands_each_complete() -> None:
    assert set(commands()) == {"main", "tests"}
    for command in commands().values():
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")
        words = shlex.split(command)
        assert "pytest" in command or words.count(".venv/bin/backpropsym") == 3


def test_the_main_command_names_what_exists() -> None:
    words = shlex.split(commands()["main"])
    assert "lecture" in words
    assert "w11" in bp.example("lecture").parameters


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)", path.read_text()):
        file = path.parent / target if target else path
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert anchor[1:] in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


def test_every_function_has_its_row() -> None:
    text = (ROOT / "docs" / "functions.md").read_text()
    assert [name for name in FUNCTIONS if f"| `{name}(" not in text] == []


def test_every_op_over_axes_has_its_row_and_says_what_it_is() -> None:
    text = (ROOT / "docs" / "ops.md").read_text().partition("## Cases")[0]
    rows = re.findall(r"^\| `(\w+)\([^|]*\)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \| [^|]* \|$", text, re.MULTILINE)
    assert set(COMPOSITIONS) == {name for name, described, _, torch in rows if described and torch}


NETWORKS = {
    "dense": "x[3] -> dense(2)",
    "conv1d": "x[9] -> conv1d(2, 3, relu)",
    "conv2d": "x[9, 9] -> conv2d(2, 3)",
    "conv3d": "x[9, 9, 9] -> conv3d(2, 3)",
    "embedding": "x -> embedding(5, 2)",
    "max_pool": "x[9, 9] -> max_pool(3)",
    "avg_pool": "x[9, 9] -> avg_pool(3, stride=1)",
    "upsample": "x[1, 2, 2] -> upsample((2, 3))",
    "residual": "x[3] -> residual(dense(3))",
}


def test_every_layer_in_the_page_on_architectures_is_one() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (`.*?) \| .* \| .* \|$", text.partition("| option |")[0], re.MULTILINE)
    layers = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    assert set(NETWORKS) < layers
    for name in layers:
        assert bp.parse(NETWORKS.get(name, f"x[4, 3] -> {name}")).output


def test_every_loss_stands_in_the_page_on_architectures() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text().partition("| loss | ")[2]
    named = re.findall(r"`(\w+)`", text.partition("\n\n")[0])
    losses = {name for name, op in COMPOSITIONS.items() if op.signature.arguments[1:] in (("target",), ("y",))}
    assert set(named) == losses
    for name in named:
        assert bp.parse(f"x[3] -> dense(2, sigmoid) -> {name}").loss == "loss"
