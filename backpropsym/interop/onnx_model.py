"""A model in ONNX as a network file and its parameters."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backpropsym.arrays import Array
from backpropsym.errors import MissingExtraError, NetworkError, OutputError, Problem
from backpropsym.formula.letters import GREEK
from backpropsym.formula.limits import MAX_NAME_CHARACTERS
from backpropsym.formula.names import name_problem
from backpropsym.interop.onnx_ops import RULES, SAME, Operator, Sizes
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.spec.toml import parse_network

if TYPE_CHECKING:
    import onnx

_NOISE = re.compile(r"_output_\d+$")
_SPELLED = {letter: name for name, letter in GREEK.items()}
_LONGEST = MAX_NAME_CHARACTERS - 8
_CALLED = {*FUNCTIONS, *COMPOSITIONS, "loss"}
_LOSSES_OF_CLASSES = ("cross_entropy", "nll")
_ENTRYWISE = ("Add", "Sub", "Mul", "Div", "Pow", "PRelu")
_STATISTICS = {"BatchNormalization": (3, 4)}
"""Operands that are stored and not learned, by operator."""


@dataclass(frozen=True)
class Imported:
    """A network from elsewhere.

    Attributes
    ----------
    text : a network file.
    parameters : arrays by name, in the shapes that the file declares.
    """

    text: str
    parameters: dict[str, Array]


def import_onnx(path: Path, loss: str | None = None) -> Imported:
    """The network that the ONNX file `path` holds. The first axis of its inputs is that of the batch, and goes.

    Parameters
    ----------
    loss : a loss to add, such as cross_entropy: of the output and a new target y.

    Raises
    ------
    NetworkError : not a model, operators or shapes that a network cannot have, or several outputs.
    MissingExtraError : the package onnx is not installed.
    """
    model = _read(path)
    return _Model(model.graph, path.stem).imported(loss)


def _read(path: Path) -> onnx.ModelProto:
    try:
        import onnx
    except ImportError as error:
        message = "reading ONNX needs the package onnx, which is not installed"
        raise MissingExtraError(message, fix="pip install 'backpropsym[onnx]'") from error
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except OSError as error:
        raise NetworkError(f"{path} cannot be read: {error.strerror}", fix="give the path of an .onnx file") from None
    except Exception as error:  # protobuf and the checker raise errors of several unrelated classes
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise NetworkError(f"{path} is not a model in ONNX: {reason}", fix="export the model again") from None


@dataclass
class _Model:
    """A graph of ONNX on its way to a network."""

    graph: onnx.GraphProto
    title: str
    stored: dict[str, Array] = field(default_factory=dict)
    shapes: dict[str, Sizes] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, Array] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def imported(self, loss: str | None) -> Imported:
        """The network file and the parameters."""
        from onnx import numpy_helper

        self.stored = {each.name: numpy_helper.to_array(each) for each in self.graph.initializer}
        for node in self.graph.node:
            if node.op_type == "Constant":
                self.stored[node.output[0]] = np.asarray(_attributes(node)["value"])
        for value in (*self.graph.input, *self.graph.value_info, *self.graph.output):
            self.shapes[value.name] = self._of_one_object(value)
        inputs = [value for value in self.graph.input if value.name not in self.stored]
        for value in inputs:
            self.texts[value.name] = self._fresh(value.name)
            if None in self.shapes[value.name]:
                self._problem(f"the input {value.name} has a size that is no number", "export it with fixed sizes")
        nodes = dict(self._nodes())
        outputs = [value.name for value in self.graph.output]
        if len(outputs) != 1:
            self._problem(f"the model has {len(outputs)} outputs: {', '.join(outputs)}", "export it with one")
        if self.problems:
            raise NetworkError(self.problems)
        names = {self.texts[value.name]: self.shapes[value.name] for value in inputs}
        text = self._file(names, nodes, outputs[0], loss)
        parse_network(text, f"{self.title}.toml")
        return Imported(text, self.parameters)

    def shape(self, name: str) -> Sizes:
        """See Operands."""
        return tuple(self.stored[name].shape) if name in self.stored else self.shapes[name]

    def constant(self, name: str) -> Array:
        """See Operands."""
        if name not in self.stored:
            raise NetworkError(f"{name} is computed where ONNX takes a constant here", fix="export it as a constant")
        return self.stored[name]

    def _problem(self, message: str, fix: str) -> None:
        self.problems.append(Problem(message, fix=fix))

    def _of_one_object(self, value: onnx.ValueInfoProto) -> Any:
        sizes = [dimension.dim_value or None for dimension in value.type.tensor_type.shape.dim]
        return tuple(sizes[1:])

    def _nodes(self) -> Iterator[tuple[str, str]]:
        """Each computed node by its name: its formula."""
        for node in self.graph.node:
            if node.op_type == "Constant":
                continue
            if node.op_type not in RULES:
                fix = "build the model from others; those that can be imported are in docs/interop.md"
                self._problem(f"the operator {node.op_type} of {node.name or node.output[0]} cannot be imported", fix)
                self.texts[node.output[0]] = self._fresh(node.output[0])
                continue
            try:
                formula = self._formula(node)
            except NetworkError as error:
                self.problems += error.problems
                formula = "0"
            if node.op_type in SAME:
                self.texts[node.output[0]] = formula
            else:
                self.texts[node.output[0]] = self._fresh(node.output[0])
                yield self.texts[node.output[0]], formula

    def _formula(self, node: onnx.NodeProto) -> str:
        shape = self.shapes.get(node.output[0], (None,))
        known = tuple(size or 0 for size in shape)
        entrywise = node.op_type in _ENTRYWISE
        fixed = _STATISTICS.get(node.op_type, ())
        texts = tuple(
            self._text(name, len(shape) if entrywise else None, at in fixed) if self._is_operand(node, at) else ""
            for at, name in enumerate(node.input)
        )
        operator = Operator(node.op_type, tuple(node.input), texts, _attributes(node), known, self)
        text = RULES[node.op_type](operator)
        if None in shape:
            raise NetworkError(f"the shape of {node.output[0]} is not known", fix="export the model with fixed sizes")
        return text

    @staticmethod
    def _is_operand(node: onnx.NodeProto, at: int) -> bool:
        """Whether an input is an array that a formula reads, and not a shape or axes."""
        settings = {"Reshape", "Squeeze", "Unsqueeze", "ReduceMean", "ReduceSum", "ReduceMax", "Dropout"}
        return bool(node.input[at]) and not (at > 0 and node.op_type in settings)

    def _text(self, name: str, rank: int | None, fixed: bool) -> str:
        """How a value is called in formulas; what is stored becomes a parameter, a constant, or a number.

        A stored array that broadcasts against values of `rank` axes for one object may have an axis for the batch.
        """
        if name in self.texts or name not in self.stored:
            return self.texts[name]
        array = self.stored[name]
        if array.size == 1 and array.ndim <= 1:
            return repr(float(array.reshape(())))
        if rank is not None and array.ndim == rank + 1 and array.shape[0] == 1:
            array = array[0]
        self.texts[name] = self._fresh(name)
        (self.constants if fixed else self.parameters)[self.texts[name]] = array
        return self.texts[name]

    def _fresh(self, name: str) -> str:
        """A name that formulas may use, like `name` and not taken."""
        plain = _plain(name)
        found, number = plain, self.numbers.get(plain, 1)
        while found in self.taken or found in _CALLED or name_problem(found):
            number += 1
            found = f"{plain}_{number}"
        self.numbers[plain] = number
        self.taken.add(found)
        return found

    def _file(self, inputs: dict[str, Sizes], nodes: dict[str, str], output: str, loss: str | None) -> str:
        result, size = self.texts[output], self.shapes[output]
        lines = [f"title = {json.dumps(self.title)}", _declared("inputs", inputs)]
        if loss is not None:
            target = self._fresh("y")
            lines.append(_declared("targets", {target: () if loss in _LOSSES_OF_CLASSES else size}))
        lines.append(_declared("parameters", {name: tuple(array.shape) for name, array in self.parameters.items()}))
        lines.append(f"output = {json.dumps(result)}")
        if loss is not None:
            lines.append(f"loss = {json.dumps(f'{loss}({result}, {target})')}")
        lines += ["", "[nodes]", *(f"{name} = {json.dumps(formula)}" for name, formula in nodes.items())]
        if self.constants:
            listed = (f"{name} = {json.dumps(array.tolist())}" for name, array in self.constants.items())
            lines += ["", "[constants]", *listed]
        return "\n".join(lines) + "\n"


def _plain(name: str) -> str:
    """`name` in ASCII letters, digits and _, a letter first, short enough for a number behind it."""
    spelled = "".join(_SPELLED.get(character, character) for character in _NOISE.sub("", name))
    ascii_only = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    words = [word for word in re.split(r"\W+", ascii_only) if word]
    if len(words) > 1 and words[0].isdigit():
        words = [*words[1:], words[0]]
    plain = "_".join(words) or "v"
    return (plain if plain[0].isalpha() else f"v_{plain}")[:_LONGEST]


def _declared(key: str, shapes: dict[str, Sizes]) -> str:
    return f"{key} = {{{', '.join(f'{name} = {json.dumps(list(shape))}' for name, shape in shapes.items())}}}"


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    from onnx import helper, numpy_helper

    found = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return {
        "value" if name.startswith("value") else name: numpy_helper.to_array(value) if name == "value" else value
        for name, value in found.items()
    }


def saved(imported: Imported, path: Path) -> tuple[Path, Path]:
    """Write the network file, and the parameters beside it as .npz; both paths.

    Raises
    ------
    OutputError : another suffix than .toml, or a place that cannot be written.
    """
    from backpropsym.files import write_whole
    from backpropsym.learn.weights import save_weights

    if path.suffix.lower() != ".toml":
        raise OutputError(f"{path.name} is no network file", fix="end the name in .toml")
    weights = save_weights(imported.parameters, path.with_suffix(".npz"))
    write_whole(path, imported.text.encode())
    return path, weights
