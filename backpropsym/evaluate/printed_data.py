"""The data of a printed derivation, as `derive --json` gives them, read back into numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Values
from backpropsym.errors import PrintedError
from backpropsym.evaluate.printed_formulas import PrintedFormulas
from backpropsym.ops.function_table import FunctionTable

OVER_ARRAYS = ("matrix", "backward")
"""Forms whose formulas are over whole arrays, where the derivative is one of arrays."""


class PrintedData:
    """What a printed derivation says of its derivative, each statement in numbers.

    Parameters
    ----------
    data : what `derive --json` prints, in any form.
    values : the arrays of the nodes that a person named, and numbers of symbolic sizes; steps of layers are computed
        from the definitions in `data`.
    table : the functions of the network.
    """

    def __init__(self, data: Mapping[str, Any], values: Values, table: FunctionTable) -> None:
        self.data = data
        renamed = data.get("renamed", {})
        self.formulas = PrintedFormulas({renamed.get(name, name): value for name, value in values.items()}, table)

    @property
    def indices(self) -> tuple[str, ...]:
        """The free indices of an entry of the derivative, those of `of` first; none of a number."""
        return (*self.data.get("of_indices", ()), *self.data.get("indices", ()))

    def define(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
        """The arrays of the steps of layers, in the shapes given by name, computed from their definitions.

        Raises
        ------
        PrintedError : a definition names what is not defined.
        """
        waiting = dict(self.data.get("definitions", {}))
        found: dict[str, Array] = {}
        while waiting:
            ready = {name: self._defined(entry, shapes.get(name, ())) for name, entry in waiting.items()}
            arrays = {name: array for name, array in ready.items() if not isinstance(array, PrintedError)}
            if not arrays:
                raise next(error for error in ready.values() if isinstance(error, PrintedError))
            for name, array in arrays.items():
                self.formulas.assign(name, array)
            found |= arrays
            waiting = {name: entry for name, entry in waiting.items() if name not in arrays}
        return found

    def _defined(self, entry: Mapping[str, Any], shape: Sequence[int]) -> Array | PrintedError:
        try:
            return self.formulas.entries(entry["expression"], entry["indices"], shape)
        except PrintedError as error:
            return error

    def statements(
        self, shape: Sequence[int], places: Sequence[tuple[int, ...]] | None = None
    ) -> Iterator[tuple[str, Array]]:
        """Each way in which the data state the derivative, by name, with its values at some entries.

        Parameters
        ----------
        shape : that of the derivative: the axes of `of`, then those of `wrt`.
        places : the entries; default: all of them, in order.

        Returns
        -------
        Arrays of shape (places,).

        Raises
        ------
        PrintedError : a text cannot be read, or its value has another shape.
        """
        data, form = self.data, self.data["form"]
        arrays = "indices" in data and form in OVER_ARRAYS
        places = list(np.ndindex(*shape)) if places is None else places
        scopes = [{} if not self.indices else dict(zip(self.indices, place, strict=True)) for place in places]
        if "equations" in data:
            yield "equations", _at(self._equations(shape, arrays), places)
        if data["expression"] is not None:
            if arrays:
                yield "expression", _at(self.formulas.array(data["expression"], shape), places)
            else:
                entries = [self.formulas.array(data["expression"], (), scope) for scope in scopes]
                yield "expression", np.array(entries, float)
        if len(data["terms"]) == data["count"]:
            for part in ("product", "factors"):
                sums = [sum(self._term(term, part, scope) for term in data["terms"]) for scope in scopes]
                yield part, np.array(sums, float)
        if "outer" in data:
            first, second = (self.formulas.array(part["expression"], ()) for part in data["outer"])
            yield "outer", np.asarray(first * second, float).reshape(1)

    def _term(self, term: Mapping[str, Any], part: str, indices: Mapping[str, int]) -> float:
        texts = term["factors"] if part == "factors" else [term["product"]]
        total = 0.0
        for scope in self._scopes(term.get("sums", ()), indices):
            if all(self._within(condition, scope) for condition in term.get("conditions", ())):
                total += self._product(texts, scope)
        return total

    def _product(self, texts: Sequence[str], scope: Mapping[str, int]) -> float:
        """The product of factors; one may read outside an array only where another is zero."""
        value, outside = 1.0, None
        for text in texts:
            try:
                value *= float(self.formulas.array(text, (), scope))
            except PrintedError as error:
                if not isinstance(error.__cause__, IndexError):
                    raise
                outside = error
        if outside is not None and value:
            raise outside
        return value

    def _within(self, condition: Sequence[str], scope: Mapping[str, int]) -> bool:
        low, value, high = (float(self.formulas.value(part, scope)) for part in condition)
        return low <= value <= high

    def _scopes(self, sums: Sequence[Sequence[Any]], indices: Mapping[str, int]) -> Iterator[dict[str, int]]:
        """Every combination of bound indices, each given as [index, size] or [index, low, high]."""
        ranges = []
        for _, *bounds in sums:
            low, high = (0, f"{bounds[0]} - 1") if len(bounds) == 1 else bounds
            first, last = (int(self.formulas.value(str(bound), indices)) for bound in (low, high))
            ranges.append(range(first, last + 1))
        for place in itertools.product(*ranges):
            yield {**indices, **dict(zip((index for index, *_ in sums), place, strict=True))}

    def _equations(self, shape: Sequence[int], arrays: bool) -> Array:
        """The last equation, the earlier ones computed in their order."""
        value: Any = None
        for equation in self.data["equations"]:
            text = equation["expression"]
            value = self.formulas.value(text)
            if arrays and equation["node"] in self.formulas.values:
                value = self.formulas.array(text, np.shape(self.formulas.values[equation["node"]]))
            self.formulas.assign(equation["symbol"], value)
        return np.asarray(value, float) if not arrays else self.formulas.array(text, shape)


def _at(array: Array, places: Sequence[tuple[int, ...]]) -> Array:
    return np.array([array[place] for place in places], float)
