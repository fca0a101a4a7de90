"""Numbers given in a call: they come before the network's own, and every one of them has a place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from backpropsym.arrays import Given, Values
from backpropsym.errors import Problem, ValuesError, did_you_mean
from backpropsym.graph.graph import Graph, Role
from backpropsym.ops.real_numbers import real_array

_FREE = (Role.INPUT, Role.TARGET, Role.PARAMETER)


def given_numbers(graph: Graph, values: Values) -> dict[str, Given]:
    """`values` by the names of the graph's inputs, targets and parameters.

    A network that lists tensors entry by entry (x[0], x[1], ...), such as a gradient network, takes them whole too.

    Parameters
    ----------
    values : numbers or arrays in the shapes of the nodes, or with a leading axis of objects; one that a computation
        does not need is allowed.

    Raises
    ------
    ValuesError : a name that the network does not have, or one whose number is computed or constant; all mistakes.
    """
    found: dict[str, Given] = {}
    problems: list[Problem] = []
    entries = listed_tensors(graph) if any(name not in graph.nodes for name in values) else {}
    for name, value in values.items():
        if name in graph.nodes or name not in entries:
            mistake = _mistake(graph, name, entries)
            problems += [mistake] if mistake else []
            found[name] = value
        else:
            found |= _taken_apart(name, value, entries[name], problems)
    if problems:
        raise ValuesError(problems)
    return found | {name: value for name, value in values.items() if name in graph.nodes}


OWN_VALUES = "in the network's [values]"
"""Where a network file gives numbers; one of an architecture string has no such place."""

PLACES = f"in a file with --at, as keywords, or {OWN_VALUES}"
"""Where numbers can be given. A command says instead which of these places it has."""


def missing_numbers(graph: Graph, names: Sequence[str]) -> Problem:
    """What to say of leaves without numbers."""
    shapes = ((name, ", ".join(map(str, graph[name].shape))) for name in names[:3])
    example = ", ".join(f"{name} of shape ({shape})" if shape else f"{name} = 1.0" for name, shape in shapes)
    return Problem(
        f"numbers are missing for {', '.join(names[:10])}" + (" and more" if len(names) > 10 else ""),
        fix=f"give them {PLACES}: {example}",
    )


def _mistake(graph: Graph, name: str, entries: Collection[str]) -> Problem | None:
    if name not in graph.nodes:
        free = [node.name for node in graph.nodes.values() if node.role in _FREE and "[" not in node.name]
        known = [*free, *entries]
        fix = did_you_mean(name, known, f"numbers are given to: {', '.join(known[:8])}" if known else "give none")
        return Problem(f"numbers are given to {name}, which the network does not have", fix=fix)
    if graph[name].role not in _FREE:
        kind = "a constant" if graph[name].role is Role.CONSTANT else "computed"
        fix = "give numbers to inputs, targets and parameters"
        return Problem(f"a number is given to {name}, which is {kind}", fix=fix)
    return None


def listed_tensors(graph: Graph) -> dict[str, dict[tuple[int, ...], str]]:
    """The tensors that a network lists entry by entry among its leaves: the name of each entry by its position."""
    found: dict[str, dict[tuple[int, ...], str]] = {}
    for node in graph.nodes.values():
        tensor, bracket, position = node.name.partition("[")
        if bracket and node.role in _FREE:
            found.setdefault(tensor, {})[tuple(map(int, position.rstrip("]").split(",")))] = node.name
    return found


def _taken_apart(
    name: str, value: Given, entries: Mapping[tuple[int, ...], str], problems: list[Problem]
) -> dict[str, Given]:
    """The number of each entry, or one number an object where the array leads with an axis of objects."""
    shape = tuple(max(sizes) + 1 for sizes in zip(*entries, strict=True))
    array, wrong = real_array(value)
    if wrong:
        problems.append(
            Problem(f"the value of {name} is not an array of numbers: {wrong}", fix=f"its shape is {shape}")
        )
        return {}
    lead = array.ndim - len(shape)
    if lead not in (0, 1) or array.shape[lead:] != shape:
        problems.append(Problem(f"{name} has the shape {array.shape}", fix=f"give an array of shape {shape}"))
        return {}
    return {entry: array[(slice(None),) * lead + at] for at, entry in entries.items()}


def has_boolean(value: object) -> bool:
    """Whether a number or a nested list holds true or false, which nobody means as a number in a file."""
    return isinstance(value, bool) or (isinstance(value, list) and any(map(has_boolean, value)))
