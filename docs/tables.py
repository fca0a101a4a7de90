"""Tables and references of the documentation, made from the registries and from the commands' own help."""

from __future__ import annotations

import inspect
import math
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.models import OptionInfo

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.cli.registries import filled
from backpropsym.derive import derivation
from backpropsym.derive.forms import expanded
from backpropsym.document.reports.function_table import functions_data
from backpropsym.evaluate.printed_words import words
from backpropsym.formula import limits
from backpropsym.kernels.backends.registry import BACKENDS
from backpropsym.ops.function import FUNCTIONS, Function
from backpropsym.ops.lowering import COMPOSITIONS, Composition
from backpropsym.spec.architecture import MAX_LAYERS
from backpropsym.spec.source import examples
from backpropsym.spec.toml import MAX_FILE_BYTES

FOLDER = Path(__file__).parent
CASES = FOLDER.parent / "tests" / "peers" / "cases.toml"
FAMILIES = ("reductions", "rearrange", "einsum", "convolution", "pooling", "normalisation", "array_losses")


def table(name: str) -> str:
    """The Markdown that a page calls `name`."""
    if name.startswith("ops "):
        return ops_table(name.removeprefix("ops "))
    if name.startswith("benchmarks"):
        return benchmarks(FOLDER / f"{name}.json")
    return {
        "activations": lambda: function_table(activations()),
        "losses": lambda: function_table(losses()),
        "primitives": lambda: function_table(primitives()),
        "kinks": kinks,
        "cases": case_table,
        "examples": example_table,
        "limits": limit_table,
        "commands": commands,
        "words": word_table,
        "engines": engine_table,
    }[name]()


def benchmarks(measured: Path) -> str:
    """What a run of the benchmarks wrote."""
    command = [sys.executable, str(FOLDER.parent / "benchmarks" / "run.py"), "--table", str(measured)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def engine_table() -> str:
    """One row a backend of kernels: what it is for, and what it needs."""
    rows = ["| engine | what it computes on | networks | modes | extra |", "| --- | --- | --- | --- | --- |"]
    for backend in BACKENDS.values():
        networks = "all" if backend.arrays else "of scalars"
        extras = ", ".join(f"`{package.extra}`" for package in backend.needs)
        modes = ", ".join(f"`{mode}`" for mode in backend.modes)
        rows.append(f"| `{backend.name}` | {backend.about} | {networks} | {modes} | {extras} |")
    return "\n".join(rows)


def primitives() -> list[Function]:
    """Functions that are not defined by others."""
    return [each for each in FUNCTIONS.values() if each.primitive is not None]


def losses() -> list[Function]:
    """Functions of a prediction and a target."""
    return [each for each in FUNCTIONS.values() if each.arguments[:2] == ("prediction", "target")]


def activations() -> list[Function]:
    """All other functions."""
    others = {each.name for each in (*primitives(), *losses())}
    return [each for each in FUNCTIONS.values() if each.name not in others]


def function_table(functions: Iterable[Function]) -> str:
    """One row a function: how it is called, what it is, its derivatives, its kink and its source."""
    wanted = {each.name for each in functions}
    rows = []
    for entry in functions_data():
        if entry["name"] in wanted:
            slopes = [(argument, code(text)) for argument, text in entry["derivatives"].items()]
            several = "<br>".join(f"{argument}: {text}" for argument, text in slopes)
            formula = code(entry["formula"]) if entry["formula"] else "primitive"
            derivative = slopes[0][1] if len(slopes) == 1 else several
            rows.append((code(entry["usage"]), formula, derivative, entry["kink"], entry["source"]))
    return markdown(("function", "formula", "derivative", "at a kink", "source"), rows)


def kinks() -> str:
    """One row for each function with a point that has no derivative."""
    rows = [(code(each["usage"]), each["kink"]) for each in functions_data() if each["kink"]]
    return markdown(("function", "convention"), rows)


def ops_table(family: str) -> str:
    """One row an op over axes of a family: how it is called, what it is, shapes, the same in PyTorch, its source."""
    peers: dict[str, dict[str, None]] = {}
    for case in cases():
        peers.setdefault(case_op(case), {}).setdefault(code(torch_name(case["torch"])))
    rows = []
    for op in COMPOSITIONS.values():
        if op_family(op) == family:
            described = " ".join((inspect.getdoc(op.compose) or "").split("\n\n")[0].split())
            found = list(peers.get(op.name, ()))
            plain = [each for each in found if "(" not in each]
            same = "<br>".join(plain or found)
            rows.append((code(op_usage(op)), described, op.shapes, same, op.source))
    return markdown(("op", "what it is", "shapes", "PyTorch", "source"), rows)


def op_family(op: Composition) -> str:
    """The module that an op is defined in, where it has a section of its own."""
    module = op.compose.__module__.rpartition(".")[2]
    return module if module in FAMILIES else "others"


def op_usage(op: Composition) -> str:
    """How an op is called; options without their defaults."""
    signature = op.signature
    if op.name in FUNCTIONS and not signature.reduces:
        return str(next(each["usage"] for each in functions_data() if each["name"] == op.name))
    arguments = ["x"] if signature.reduces else [*signature.arguments]
    arguments += ["..."] if signature.variadic else []
    return f"{op.name}({', '.join([*arguments, *(f'{option}=' for option in signature.options)])})"


def cases() -> list[dict[str, Any]]:
    """The cases that are tested against PyTorch."""
    return list(tomllib.loads(CASES.read_text(encoding="utf-8"))["case"])


def case_op(case: dict[str, Any]) -> str:
    """The op that a case is about."""
    return str(case.get("op") or case["formula"].partition("(")[0])


def torch_name(text: str) -> str:
    """The function of PyTorch where an expression is a plain call of one, else the expression."""
    match = re.fullmatch(r"((?:F|torch)(?:\.\w+)+)\([^*+/]*\)(?:\[[^()]*\]|\.values)?", text)
    return match.group(1) if match and ".mean()" not in text else text


def case_table() -> str:
    """One row a case."""
    rows = []
    for case in cases():
        shapes = ", ".join(f"{name} ({', '.join(map(str, shape))})" for name, shape in case["shapes"].items())
        rows.append((code(case["formula"]), shapes, code(case["torch"])))
    return markdown(("formula", "arrays", "PyTorch"), rows)


def example_table() -> str:
    """One row a bundled example; paths between arrays are paths of layers."""
    rows = []
    for name in examples():
        network = bp.example(name)
        paths = sum(derivation.count for derivation in network.gradients(network.output).values())
        count = sum(math.prod(int(size) for size in shape) for shape in network.parameters.values())
        rows.append((code(name), network.title, f"{count:,}", f"{paths:,}"))
    return markdown(("example", "what it is", "parameters", "paths from them to the output"), rows)


def limit_table() -> str:
    """One row a limit of what a person may write, and of what is written out."""
    rows = [
        ("a network file", f"{MAX_FILE_BYTES:,} bytes"),
        ("a formula", f"{limits.MAX_CHARACTERS:,} characters, {limits.MAX_PARTS} parts, {limits.MAX_DEPTH} levels"),
        ("an architecture string", f"{limits.MAX_CHARACTERS:,} characters, {MAX_LAYERS:,} layers"),
        ("a constant exponent", f"from -{limits.MAX_EXPONENT} to {limits.MAX_EXPONENT}"),
        ("a number", f"{limits.MAX_NUMBER_CHARACTERS} characters, and finite"),
        ("a name", f"{limits.MAX_NAME_CHARACTERS} characters"),
        ("a path sum that is written out", f"{derivation.MAX_TERMS:,} terms"),
        ("an expanded form", f"{expanded.MAX_PARTS:,} parts"),
    ]
    return markdown(("what", "at most"), rows)


def word_table() -> str:
    """One row a word of printed formulas."""
    return markdown(("written", "what it is"), ((code(word.example), word.meaning) for word in words().values()))


def commands() -> str:
    """A section for each command: what its help says of it, of its argument and of its options."""
    sections = []
    for command in app.registered_commands:
        assert command.callback is not None
        summary = " ".join((inspect.getdoc(command.callback) or "").split("\n\n")[0].split())
        rows = list(options(command.callback))
        table = markdown(("argument or option", "what it is", "default"), rows)
        sections.append(f"## {command.name or command.callback.__name__}\n\n{summary}\n\n{table}")
    return "\n\n".join(sections)


def options(command: Callable[..., Any]) -> Iterator[tuple[str, str, str]]:
    """How each parameter of a command is written, its help and its default.

    In `Annotated[..., typer.Option("--output", "-o")]`, Typer keeps the first spelling as `default`.
    """
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind, info = get_args(hints[name])
        kinds = [each for each in get_args(kind) or (kind,) if each is not type(None)]
        spelling = info.metavar
        if isinstance(info, OptionInfo):
            written = ", ".join([str(info.default), *(info.param_decls or ())])
            values = filled(info.metavar or _values(kinds[0]), "|")
            spelling = written if kinds == [bool] else f"{written} {values}"
        default = parameter.default
        shown = "" if default is None or default is False else code(str(default))
        needed = "required" if default is parameter.empty else shown
        yield code(spelling), filled(info.help), needed


def _values(kind: Any) -> str:
    """What may stand after an option: one of several words, or a number or text."""
    if issubclass(kind, Enum):
        return "|".join(str(each.value) for each in kind)
    return {int: "N", float: "X"}.get(kind, "TEXT")


def code(text: str) -> str:
    """`text` as code inside a table."""
    return f"`{text}`"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
