"""Sums of products with their subscripts written out."""

from __future__ import annotations

import string

from backpropsym.formula.tree import Call, Name, Text
from backpropsym.ops.compose import compose
from backpropsym.ops.kinds import View
from backpropsym.ops.lowering import Lowering, Value
from backpropsym.ops.shapes import refuse, shape_text


@compose("einsum", "subscripts", variadic=True, shapes="as the letters say", source="numpy.einsum; Einstein 1916")
def einsum(lowering: Lowering, call: Call) -> Value:
    """A sum of products with its subscripts written out, as in NumPy."""
    text = call.arguments[0]
    if not isinstance(text, Text) or "->" not in text.value:
        raise refuse("einsum takes its subscripts quoted", fix='write einsum("ij,j->i", W, x)', span=call.span)
    subscripts = _letters(text.value.replace(" ", ""), call)
    operands = [lowering.value(part) for part in call.arguments[1:]]
    groups = subscripts.split("->")[0].split(",")
    if len(groups) != len(operands):
        message = f"einsum has {len(groups)} groups of letters and {len(operands)} operands"
        raise refuse(message, fix="write one group an operand", span=call.span)
    sizes: dict[str, int | str] = {}
    for letters, operand in zip(groups, operands, strict=True):
        if len(letters) != len(operand.shape):
            message = f"{letters!r} names {len(letters)} axes of an operand of shape {shape_text(operand.shape)}"
            raise refuse(message, span=call.span)
        for letter, size in zip(letters, operand.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise refuse(f"the index {letter} has the sizes {sizes[letter]} and {size}", span=call.span)
    output = subscripts.split("->")[1]
    if len(set(output)) < len(output) or not set(output) <= set(sizes):
        message = f"the result {output!r} of einsum repeats a letter, or has one that no operand has"
        raise refuse(message, fix="name each axis of the result once, by letters of the operands", span=call.span)
    diagonals = [_diagonal(lowering, each, letters) for each, letters in zip(operands, groups, strict=True)]
    groups = ["".join(dict.fromkeys(letters)) for letters in groups]
    names = [lowering.name(diagonal) for diagonal in diagonals]
    return lowering.contract(f"{','.join(groups)}->{output}", names, tuple(sizes[letter] for letter in output))


def _letters(subscripts: str, call: Call) -> str:
    """Subscripts without Z, which is the letter of the objects of a batch."""
    used = subscripts.replace("->", "").replace(",", "")
    strange = next((letter for letter in used if letter not in string.ascii_letters), None)
    if strange is not None:
        raise refuse(f"einsum names axes by letters, found {strange!r}", fix='write "ij,j->i"', span=call.span)
    free = next((letter for letter in string.ascii_letters if letter not in used), "Z")
    return subscripts.replace("Z", free)


def _diagonal(lowering: Lowering, value: Value, letters: str) -> Value:
    """The entries at which axes with the same letter have the same index."""
    unique = dict.fromkeys(letters)
    if len(unique) == len(letters):
        return value
    operand = lowering.name(value)
    indices = tuple(f"_{letter}" for letter in unique)
    source = tuple(Name(f"_{letter}") for letter in letters)
    shape = tuple(value.shape[letters.index(letter)] for letter in unique)
    return lowering.node(View(operand, indices, source, "entries"), shape, [operand])
