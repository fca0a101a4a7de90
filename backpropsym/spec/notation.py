r"""The table [notation] of a network file: how names are written in LaTeX and in pictures.

    [notation]
    x           = '\vec{x}'
    "z#"        = 'z^{(#)}'          # z1, z2, ...
    "w##"       = 'w_{#2#1}'         # w12 as w_{21}
    entry-style = "subscripts"       # W_{0,1}, or "brackets": W[0,1]
    count-from  = 1                  # entries by number count from one

Only letters, digits, brackets, signs and the commands of `COMMANDS` may stand in it, so that nothing that a file says
can act in a document.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from backpropsym.errors import did_you_mean

ACCENTS = frozenset(
    re.findall(r"\w+", "vec mathbf boldsymbol mathrm mathit mathsf mathcal hat tilde bar dot ddot overline underline")
)
"""Commands with an argument in braces."""

LETTERS = frozenset(
    re.findall(
        r"\w+",
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau "
        "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell star top "
        "prime ast circ dagger partial nabla",
    )
)
"""Commands that are one sign."""

COMMANDS = ACCENTS | LETTERS
STYLES = ("subscripts", "brackets")
MAX_LENGTH = 80
OPTIONS = ("entry-style", "count-from")
_KEY = re.compile(r"([A-Za-z]+)(#{1,9})\Z")
_TOKEN = re.compile(r"\\([A-Za-z]+)|\\[,;]|#[1-9]?|[A-Za-z0-9^_{}()\[\],.'+\-*|=/ ]")
_GROUP = re.compile(r"\{([^{}]*)\}")
_SCRIPTS = re.compile(r"(?:\s*[\^_]\s*(?:@|\\[A-Za-z]+|#[1-9]?|[A-Za-z0-9*'+\-]))+|[\^_]")


def notation_problems(table: Mapping[str, object], known: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """What is wrong in a table: the key, what is wrong with it, and the fix.

    Parameters
    ----------
    known : the names of the network's nodes and functions.
    """
    for key, value in table.items():
        pattern = _KEY.match(key)
        if key in OPTIONS:
            yield from ((key, *problem) for problem in _option(key, value))
        elif pattern is None and key not in known:
            fix = did_you_mean(key, known, 'write a name of the network, or a pattern such as "w##"')
            yield key, f"nothing is called {key}", fix
        elif problem := _latex(value, len(pattern.group(2)) if pattern else 0):
            yield key, *problem


def _option(key: str, value: object) -> Iterator[tuple[str, str]]:
    if key == "entry-style" and value not in STYLES:
        yield f"{key} is not one of {', '.join(STYLES)}", 'write entry-style = "subscripts"'
    if key == "count-from" and (isinstance(value, bool) or value not in (0, 1)):
        yield f"{key} is not 0 or 1", "write count-from = 1"


def _latex(value: object, places: int) -> tuple[str, str] | None:
    """What is wrong with the LaTeX of a name that has so many indices to put in."""
    if not isinstance(value, str) or not value.strip():
        return "its notation is not a text", r"write LaTeX in single quotes: x = '\vec{x}'"
    if len(value) > MAX_LENGTH:
        return f"its notation has {len(value)} characters", f"use at most {MAX_LENGTH}"
    position = 0
    while position < len(value):
        token = _TOKEN.match(value, position)
        if token is None:
            bad = re.match(r"\\[A-Za-z]*|.", value[position:], re.DOTALL)
            return (
                f"{bad.group() if bad else ''!r} may not stand in a notation",
                "use letters, digits, brackets, ^ and _",
            )
        command = token.group(1)
        if command and command not in COMMANDS:
            return f"the command \\{command} is not allowed", did_you_mean(
                command, COMMANDS, "use \\vec, \\mathbf, \\hat"
            )
        if command in ACCENTS and not value.startswith("{", token.end()):
            return f"\\{command} needs its argument in braces", f"write \\{command}{{x}}"
        number = token.group()[1:] or "1"
        if token.group().startswith("#") and int(number) > places:
            return f"there is no index {token.group()}", 'write as many # in the key as there are indices: "w##"'
        position = token.end()
    if not _sound(value):
        return "its braces or its indices do not fit together", "write one ^{...} and one _{...} at most on each letter"
    return None


def _sound(text: str) -> bool:
    """Whether braces are paired, and nothing carries two superscripts or two subscripts."""
    while True:
        if not all(_one_each(inner) for inner in _GROUP.findall(text)):
            return False
        text, count = _GROUP.subn("@", text)
        if not count:
            return "{" not in text and "}" not in text and _one_each(text)


def _one_each(text: str) -> bool:
    """Whether every run of scripts has at most one of each kind, and something to stand on."""
    for run in _SCRIPTS.finditer(text):
        marks = [mark for mark in run.group() if mark in "^_"]
        bare = run.group() in ("^", "_") or not text[: run.start()].strip()
        if bare or len(set(marks)) < len(marks) or ("'" in text[: run.start()][-1:] and "^" in marks):
            return False
    return True
