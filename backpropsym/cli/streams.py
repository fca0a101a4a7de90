"""Standard input and output as they may be: closed, full, or of a terminal that knows few letters."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import unicodedata
from collections.abc import Callable
from functools import cache

from backpropsym.errors import OutputError
from backpropsym.formula.letters import GREEK, SUBSCRIPTS, SUPERSCRIPTS

USER_MISTAKE = 2
_CLOSEST = "backpropsym.closest"
_CYRILLIC = (
    "а a б b в v г g д d е e ё e ж zh з z и i й i к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch ш sh "
    "щ shch ъ _ ы y ь _ э e ю yu я ya"
)
_SIGNS = {"·": "*", "−": "-", "–": "-", "—": "-", "′": "'", "’": "'", "“": '"', "”": '"', "→": "->", "∂": "d"}


@cache
def _spellings() -> dict[str, str]:
    """What stands for characters in ASCII."""
    pairs = _CYRILLIC.split()
    small = {letter: "" if text == "_" else text for letter, text in zip(pairs[::2], pairs[1::2], strict=True)}
    capital = {letter.upper(): text.capitalize() for letter, text in small.items()}
    greek = {letter: name for name, letter in GREEK.items()}
    raised = {sign: digit for digit, sign in {**SUBSCRIPTS, **SUPERSCRIPTS}.items()}
    return {**small, **capital, **greek, **raised, **_SIGNS}


def closest(text: str) -> str:
    """`text` in ASCII: letters without their marks, others as they are spelled, and ? for what has no spelling."""
    known = _spellings()
    plain = "".join(known.get(character, character) for character in text)
    parts = (unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() for character in plain)
    return "".join(part or "?" for part in parts)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """The handler of characters that a stream cannot show."""
    assert isinstance(error, UnicodeEncodeError)
    return closest(error.object[error.start : error.end]), error.end


class _Closed(io.TextIOBase):
    """Stands for standard output if the process has none: nothing can be written."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "it is closed")


def prepare() -> None:
    """Make the standard streams such that printing raises nothing but an OSError where there is no place for it."""
    for _ in range(3):
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            break  # none of the three is free, so that no file of ours gets the number of a stream
    if sys.stderr is None:
        sys.stderr = io.StringIO()
    if sys.stdout is None:
        sys.stdout = _Closed()
    codecs.register_error(_CLOSEST, _replaced)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=_CLOSEST)


def run(program: Callable[[], object]) -> None:
    """Run a program that prints; what cannot be printed ends it with a message and status 2, a closed pipe with 1."""
    prepare()
    try:
        try:
            program()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None:
            raise
        if not isinstance(sys.stdout, _Closed):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is lost, and no error at exit
        if isinstance(error, BrokenPipeError):
            raise SystemExit(1) from None
        print(
            OutputError(f"cannot write to standard output: {error.strerror}", fix="name a file with -o"),
            file=sys.stderr,
        )
        raise SystemExit(USER_MISTAKE) from None
