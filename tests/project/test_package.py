"""The package as it is installed, and the tree as it is handed on."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest

import backpropsym as bp

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TEXTS = {".cfg", ".json", ".md", ".py", ".toml", ".yml", ""}


def files() -> list[Path]:
    """The files of the tree, without what tools leave in it."""
    kept = {".ci", ".gitignore"}
    found = ((path, path.relative_to(ROOT).parts) for path in ROOT.rglob("*") if path.is_file())
    return [
        path
        for path, parts in found
        if not any((part.startswith(".") and part not in kept) or part == "__pycache__" for part in parts)
    ]


def imported(paths: Iterable[Path]) -> set[str]:
    """The packages that some modules import, without the standard library and the tree's own."""
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    own = {"backpropsym", "tests"} | {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    return names - sys.stdlib_module_names - own


def declared(*extras: str) -> set[str]:
    """The packages that the project needs with some of its extras, and with those that these name."""
    listed = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        for requirement in PROJECT["project"]["optional-dependencies"][extra]:
            inner = re.fullmatch(r"backpropsym\[([\w,]+)\]", requirement)
            listed += declared(*inner[1].split(",")) if inner else [requirement]
    return {re.match(r"[\w-]+", requirement)[0] for requirement in listed}  # type: ignore[index]


def test_the_version_is_one() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", bp.__version__)
    assert f"## {bp.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    installed = [each.version for each in metadata.distributions(name="backpropsym")]
    assert set(installed) <= {bp.__version__}


COMES_WITH = {"PIL": "pillow", "click": "typer", "markdown_it": "markdown-it-py", "pptx": "python-pptx"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    names = {COMES_WITH.get(name, name) for name in imported((ROOT / "backpropsym").rglob("*.py"))}
    assert names == declared("onnx", "pptx", "torch")


def test_what_the_tests_import_is_installed_by_the_command_of_the_readme() -> None:
    peers = set((ROOT / "tests" / "peers").glob("*.py"))
    names = {COMES_WITH.get(name, name) for name in imported(set((ROOT / "tests").rglob("*.py")) - peers)}
    assert names <= declared("test")
    assert imported(peers) <= declared("test", "peers")


def test_the_layers_in_the_page_for_contributors_are_those_of_the_contract() -> None:
    contract, *_ = PROJECT["tool"]["importlinter"]["contracts"]
    written = " < ".join(f"`{layer}`" for layer in reversed(contract["layers"]))
    assert written in " ".join((ROOT / "CONTRIBUTING.md").read_text().split())


def test_importing_the_package_is_light() -> None:
    program = "import sys, backpropsym; print([name for name in ('sympy', 'numpy', 'networkx') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists() -> None:
    for name in dir(bp):
        assert getattr(bp, name) is not None


def test_no_folder_hides_a_public_name() -> None:
    modules = {path.stem for path in (ROOT / "backpropsym").iterdir() if path.is_dir() or path.suffix == ".py"}
    assert not modules & set(dir(bp))


def test_check_is_the_function_whatever_was_imported_before() -> None:
    program = "import backpropsym.checks.check, backpropsym as bp; print(bp.check(bp.example('lecture')).passed)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize(
    "wrong",
    [
        r"\b(TODO|FIXME|XXX)\b",
        r"/(home|root|work|opt|tmp)/\w",
        r"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian\.org",
    ],
)
def test_nothing_is_left_over(wrong: str) -> None:
    here = Path(__file__).resolve()
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files()
        if path != here and path.suffix in TEXTS
        for match in re.finditer(wrong, path.read_text())
    ]
    assert found == []


def test_no_lock_file() -> None:
    assert [path.name for path in files() if path.suffix == ".lock" or path.name == "requirements.txt"] == []


LATER = ("sympy", "networkx", "mpmath", "backpropsym.checks", "backpropsym.kernels", "backpropsym.marking")


def loaded(call: str) -> list[str]:
    """What of the above a call on the lecture's network loads, in a process of its own."""
    program = (
        f"import sys, backpropsym as bp; net = bp.example('lecture'); {call}; "
        f"print([name for name in {LATER} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout)  # type: ignore[no-any-return]


def test_a_picture_loads_nothing_that_it_does_not_need() -> None:
    """SymPy alone takes longer to load than a picture takes to draw."""
    assert loaded("net.draw(wrt='w11').svg") == []
    assert loaded("net.graph.networkx") == ["networkx"]
    assert loaded("net.derive(wrt='w11').sympy()")[0] == "sympy"
