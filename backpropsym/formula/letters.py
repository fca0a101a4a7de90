"""Letters of mathematics beyond ASCII: Greek ones, and digits and letters above and below the line."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

GREEK: Final[Mapping[str, str]] = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "zeta": "ζ",
    "eta": "η",
    "theta": "θ",
    "iota": "ι",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "upsilon": "υ",
    "phi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
    "Gamma": "Γ",
    "Delta": "Δ",
    "Theta": "Θ",
    "Lambda": "Λ",
    "Xi": "Ξ",
    "Pi": "Π",
    "Sigma": "Σ",
    "Upsilon": "Υ",
    "Phi": "Φ",
    "Psi": "Ψ",
    "Omega": "Ω",
}
"""The Greek letters that have a LaTeX command of their own."""

SUBSCRIPTS: Final[Mapping[str, str]] = dict(
    zip("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)
"""The letters and digits that Unicode has below the line."""

SUPERSCRIPTS: Final[Mapping[str, str]] = dict(zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))
"""The digits that Unicode has above the line, and the minus sign."""

ACCENTS: Final[Mapping[str, str]] = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
"""What stands above a letter, by the word for it in a name such as y_hat: combining characters of Unicode."""


def accented(letter: str, accent: str) -> str | None:
    """A letter with its accent as one character; None where Unicode has no such character."""
    composed = unicodedata.normalize("NFC", letter + ACCENTS[accent])
    return composed if len(composed) == 1 else None
