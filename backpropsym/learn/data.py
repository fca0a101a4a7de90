"""Objects to learn from: arrays by name, from a file or from a set of pictures of digits.

The bundled digits are 1,797 pictures of 8 x 8 pixels in 17 shades, the test set of E. Alpaydin and C. Kaynak, Optical
Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998 (CC BY 4.0).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Arrays, Given, Values
from backpropsym.errors import Problem, ValuesError, did_you_mean
from backpropsym.graph.graph import Graph, Role
from backpropsym.ops.kinds import Shape
from backpropsym.ops.real_numbers import real_array
from backpropsym.spec.values import read_arrays

DIGITS, MNIST = "digits", "mnist"
FOLDER = "BACKPROPSYM_DATA"
"""The environment variable that names the folder in which mnist.npz lies."""
_SHADES = {DIGITS: 16.0, MNIST: 255.0}
_CLASSES = 10
_TESTED = 5
"""One of so many digits is kept for the test: the last ones."""


@dataclass(frozen=True)
class Data:
    """Arrays by input and target, each with a leading axis of objects.

    Attributes
    ----------
    name : what it was read from.
    train, test : the objects that are learned from, and those that are only looked at; the latter may be none.
    """

    name: str
    train: Arrays
    test: Arrays

    @property
    def objects(self) -> int:
        """How many objects there are to learn from."""
        return max((len(array) for array in self.train.values()), default=1)


def data_of(graph: Graph, data: str | Path | Values | None, test: Values | None = None) -> Data:
    """The objects to learn from, given as arrays by name or as the name of a source; those of the test beside them.

    Parameters
    ----------
    data, test : arrays of shape (objects, ...) by input and target.

    Raises
    ------
    ValuesError : as `read_data` and `given_data`.
    """
    return read_data(graph, str(data)) if isinstance(data, str | Path) else given_data(graph, data or {}, test)


def read_data(graph: Graph, source: str) -> Data:
    """The objects that `source` names: digits, mnist, or a file with arrays for inputs and targets.

    In a file, NAME or NAME_train holds the objects to learn from and NAME_test those for the test. Arrays of an object
    with as many entries as the network takes are laid into its shape; class numbers become probabilities where the
    target is a vector, and the reverse. Pictures in bytes, of two axes or more, are divided by 255.

    Raises
    ------
    ValuesError : nothing of that name, arrays that do not fit the network, or objects that differ in number.
    """
    if source == DIGITS:
        arrays = dict(np.load(Path(__file__).with_name("digits.npz")))
        kept = len(arrays["y"]) // _TESTED
        parts = {"_train": slice(None, -kept), "_test": slice(-kept, None)}
        arrays = {name + part: array[rows] for name, array in arrays.items() for part, rows in parts.items()}
        return _pictures(graph, source, arrays)
    if source == MNIST:
        return _pictures(graph, source, read_arrays(_mnist())[0])
    arrays, _ = read_arrays(Path(source))
    leaves = graph.names(Role.INPUT, Role.TARGET)
    known = {name + part for name in leaves for part in ("", "_train", "_test")}
    problems = [
        Problem(
            f"{source} has an array {name}, which is no input or target", fix=f"the network has {', '.join(leaves)}"
        )
        for name in arrays
        if name not in known
    ]
    if problems:
        raise ValuesError(problems)
    twice = [name for name in leaves if name in arrays and f"{name}_train" in arrays]
    if twice:
        raise ValuesError(f"{source} has both {twice[0]} and {twice[0]}_train", fix="keep one of them")
    train = {name: arrays[key] for name in leaves for key in (name, f"{name}_train") if key in arrays}
    test = {name: arrays[f"{name}_test"] for name in leaves if f"{name}_test" in arrays}
    return _fitted(graph, source, train, test, 255.0)


def given_data(graph: Graph, train: Values, test: Values | None = None) -> Data:
    """Arrays by name as data, brought into the shapes of the network.

    Raises
    ------
    ValuesError : arrays that do not fit the network, or objects that differ in number.
    """
    leaves = graph.names(Role.INPUT, Role.TARGET)
    unknown = [name for name in {**train, **(test or {})} if name not in leaves]
    if unknown:
        fix = did_you_mean(unknown[0], leaves, f"the network has {', '.join(leaves)}")
        raise ValuesError(f"the data hold {unknown[0]}, which is no input or target", fix=fix)
    return _fitted(graph, "the data", dict(train), dict(test or {}), 255.0)


def _mnist() -> Path:
    """Where mnist.npz lies."""
    folders = [Path(os.environ[FOLDER])] if os.environ.get(FOLDER) else []
    for folder in (*folders, Path()):
        if (folder / "mnist.npz").is_file():
            return folder / "mnist.npz"
    raise ValuesError(
        "mnist is not bundled, and there is no mnist.npz here",
        fix="put mnist.npz, with x_train, y_train, x_test and y_test as Keras has it, into this folder or into the "
        f"one that the environment variable {FOLDER} names; or use --data digits",
    )


def _pictures(graph: Graph, source: str, arrays: Arrays) -> Data:
    """Pictures as the one input of a network and their classes as its target."""
    inputs, targets = graph.names(Role.INPUT), graph.names(Role.TARGET)
    if len(inputs) != 1 or len(targets) != 1:
        fix = "'x[64] -> dense(10) -> cross_entropy' has: x, the picture, and y, the digit"
        raise ValuesError(f"{source} needs a network with one input and one target", fix=fix)
    names = {"x": inputs[0], "y": targets[0]}
    train, test = (
        {names[name]: arrays[name + part] for name in names if name + part in arrays} for part in ("_train", "_test")
    )
    return _fitted(graph, source, train, test, _SHADES[source])


def _fitted(graph: Graph, source: str, train: Values, test: Values, shades: float) -> Data:
    problems: list[Problem] = []
    fitted = [
        {name: _array(graph, source, name, array, shades, problems) for name, array in part.items()}
        for part in (train, test)
    ]
    for part in fitted:
        sizes = {name: len(array) for name, array in part.items() if array is not None}
        if len(set(sizes.values())) > 1 or 0 in sizes.values():
            found = ", ".join(f"{name} has {size:,}" for name, size in sizes.items())
            problems.append(
                Problem(f"the numbers of objects differ or are zero: {found}", fix="give one row an object")
            )
    if fitted[1] and fitted[0].keys() != fitted[1].keys():
        problems.append(Problem("the test has other names than the training", fix="give NAME_test for each NAME"))
    if problems:
        raise ValuesError(problems)
    return Data(source, fitted[0], fitted[1])


def _array(graph: Graph, source: str, name: str, given: Given, shades: float, problems: list[Problem]) -> Any:
    """The objects of one leaf, in its shape; None, and a problem more, where they do not fit."""
    array, shape = _numbers(given), graph[name].shape
    wrong = _no_numbers(array)
    if wrong:
        problems.append(Problem(f"{name} of {source} {wrong}", fix="give finite numbers, one row an object"))
        return None
    is_picture = array.dtype == np.uint8 and array.ndim > 2 and graph[name].role is Role.INPUT
    array = (array / np.float32(shades)).astype(np.float32) if is_picture else array
    own: Shape = array.shape[1:]
    if own == shape or (len(own) == len(shape) and not all(isinstance(size, int) for size in shape)):
        return array
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) == len(shape) and math.prod(own) == math.prod(sizes):
        return array.reshape(len(array), *sizes)
    if len(own) == 1 and shape == () and graph[name].role is Role.TARGET and is_onehot(array):
        return np.argmax(array, axis=1)
    if own == () and len(sizes) == len(shape) == 1 and graph[name].role is Role.TARGET:
        classes = array.astype(int)
        if np.all(classes == array) and classes.min() >= 0 and classes.max() < sizes[0]:
            return np.eye(sizes[0], dtype=np.float32)[classes]
    problem = Problem(
        f"{name} of {source} has objects of shape {own}, and the network takes {shape}", fix=_size_fix(own)
    )
    if problem not in problems:
        problems.append(problem)
    return None


def _numbers(given: Given) -> Array:
    array, wrong = real_array(given)
    if wrong:
        return np.asarray(None)
    numbers: Array = array.astype(float) if array.dtype.kind == "b" else array
    return numbers


def _no_numbers(array: Array) -> str:
    """What keeps an array from being the numbers of objects; nothing where it is that."""
    if array.dtype.kind not in "iuf":
        return "is no array of real numbers"
    if array.ndim == 0:
        return "is a single number"
    if not np.all(np.isfinite(array)):
        place = np.argwhere(~np.isfinite(array))[0]
        return f"has {array[tuple(place)]} at {', '.join(map(str, place))}"
    return ""


def is_onehot(array: Array) -> bool:
    """Whether each row of an array of shape (objects, classes) has one 1 and else zeros."""
    return bool(np.all((array == 0.0) | (array == 1.0)) and np.all(array.sum(axis=1) == 1.0))


def _size_fix(own: Shape) -> str:
    entries = math.prod(size for size in own if isinstance(size, int))
    return f"let the network take {entries} entries" if own else "let the network take one number"
