"""Derivatives as they are printed, in the place of those that are accurate where functions saturate."""

from __future__ import annotations

from dataclasses import replace

from backpropsym.ops.function_table import FunctionTable


def without_accurate(table: FunctionTable) -> FunctionTable:
    """The functions with derivatives as they are printed, which lose what stored values lose."""
    plain = {name: replace(entry, accurate={}) for name, entry in table.items() if entry.accurate}
    return table.with_own(plain)
