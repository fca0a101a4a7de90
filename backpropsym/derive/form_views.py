"""Which derivation a form is a view of: of whole arrays, or of single entries."""

from __future__ import annotations

from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.entry_derivation import EntryDerivation
from backpropsym.derive.forms.registry import of_arrays, of_numbers


def in_form(derivation: Derivation, form: str) -> Derivation:
    """The derivation that `form` is a view of.

    Index and matrix notation exist for scalars too; and a number by a number has every form of scalars, whatever lies
    between the two.
    """
    if not derivation.between_arrays:
        if form in of_numbers() or form not in of_arrays():
            return derivation
        return TensorDerivation(derivation.graph, derivation.of, derivation.wrt)
    if form in of_numbers() and form not in of_arrays() and not derivation.indices and not derivation.of_indices:
        of, wrt = (derivation.of, derivation.of_at or ()), (derivation.wrt, derivation.wrt_at or ())
        return EntryDerivation(derivation.graph, of, wrt)
    return derivation
