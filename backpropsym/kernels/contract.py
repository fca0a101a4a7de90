"""Contractions as NumPy source: a matrix product where there is one, else einsum."""

from __future__ import annotations

from collections.abc import Sequence


def contraction(groups: Sequence[str], output: str) -> str:
    """The source of a sum of products of `{0}`, `{1}`, ... whose axes are the letters of `groups`."""
    if len(groups) == 2:
        text = _product(groups[0], groups[1], output)
        if text:
            return text
    listed = ", ".join(f"{{{index}}}" for index in range(len(groups)))
    optimize = ", optimize=True" if len(groups) > 1 else ""
    return f'_np.einsum("{",".join(groups)}->{output}", {listed}{optimize})'


def _product(left: str, right: str, output: str) -> str | None:
    """A matrix product with transposes, where one summed letter joins two operands of one or two axes."""
    shared = set(left) & set(right)
    if len(shared) != 1 or shared & set(output) or set(left + right) - shared != set(output):
        return None
    if not (1 <= len(left) <= 2 and 1 <= len(right) <= 2 and len(set(left)) == len(left)):
        return None
    if len(set(right)) < len(right) or len(left) + len(right) == 2:
        return None
    joint = next(iter(shared))
    if output and (right.replace(joint, "") + left.replace(joint, "")) == output and len(output) == 2:
        return _matmul("{1}", right, "{0}", left, joint)
    return _matmul("{0}", left, "{1}", right, joint)


def _matmul(first: str, left: str, second: str, right: str, joint: str) -> str:
    a = first if left[-1] == joint else f"{first}.T"
    b = second if right[0] == joint else f"{second}.T"
    return f"({a} @ {b})"
