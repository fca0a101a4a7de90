"""What an exercise is written with: words, formulas and tables in each medium."""

from __future__ import annotations

import re
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.latex_escape import latex_text
from backpropsym.document.writers.latex_width import broken
from backpropsym.document.writers.tables import Table, latex_tables, markdown_tables, text_tables
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.document.writers.unicode import AsciiWriter, UnicodeWriter
from backpropsym.errors import printable
from backpropsym.graph.graph import Graph

_MAX_WIDTH = 70
_WIDTH = 96
_MARKUP = re.compile(r"([\\`*_<>|\[\]#])")


class ExerciseWriter(ABC):
    """Writes for one medium.

    Attributes
    ----------
    formulas : writes names and formulas.
    plain : the same in the words of tables.
    """

    formulas: Writer
    plain: Writer

    def names(self, names: Iterable[str]) -> str:
        """Nodes within a sentence."""
        return ", ".join(self.math(self.formulas.name(name)) for name in names)

    def derivative(self, of: str, by: str) -> str:
        """A quotient within a sentence."""
        return self.math(self.formulas.derivative(of, by))

    def numbers(self, values: Iterable[tuple[str, float]]) -> str:
        """Names with their numbers within a sentence."""
        formulas = self.formulas
        return ", ".join(self.math(f"{formulas.name(name)} = {formulas.measured(value)}") for name, value in values)

    def reason(self, text: str) -> str:
        """A cause in words for a cell of plain words."""
        return text

    @abstractmethod
    def words(self, text: str) -> str:
        """Plain words, in which nothing is markup."""

    @abstractmethod
    def math(self, formula: str) -> str:
        """A written formula within a sentence."""

    @abstractmethod
    def display(self, lines: Sequence[str]) -> str:
        """Written formulas on lines of their own."""

    @abstractmethod
    def table(self, table: Table) -> str:
        """A table."""

    @abstractmethod
    def sheet(self, title: str, parts: Sequence[tuple[str, str]], last: bool) -> str:
        """A sheet of parts, each with what stands before it, such as its number."""

    @abstractmethod
    def document(self, title: str, body: str) -> str:
        """The whole file."""


class TextExerciseWriter(ExerciseWriter):
    """Plain text."""

    def __init__(self, graph: Graph, ascii: bool = False) -> None:
        self.formulas = self.plain = (AsciiWriter if ascii else UnicodeWriter)(Notation.of(graph))

    def words(self, text: str) -> str:
        """Plain words."""
        return printable(text)

    def math(self, formula: str) -> str:
        """A written formula."""
        return formula

    def display(self, lines: Sequence[str]) -> str:
        """Written formulas, indented."""
        return "\n" + "\n".join(f"    {line}" for line in lines) + "\n"

    def table(self, table: Table) -> str:
        """A table."""
        return "\n" + text_tables([table])

    def sheet(self, title: str, parts: Sequence[tuple[str, str]], last: bool) -> str:
        """Numbered paragraphs under a heading."""
        body = "\n".join(_wrapped(f"{head}  {text}".strip()) + "\n" for head, text in parts)
        return f"{self.words(title)}\n{'=' * len(self.words(title))}\n\n{body}" + ("" if last else "\n\n")

    def document(self, title: str, body: str) -> str:
        """The sheets."""
        return body


def _wrapped(text: str) -> str:
    """`text` with long lines of words set on several; indented lines are tables and formulas and stay."""
    lines = (
        [line] if line.startswith(" ") or not line else textwrap.wrap(line, _WIDTH, subsequent_indent=" " * 4)
        for line in text.splitlines()
    )
    return "\n".join(part for each in lines for part in each)


class MarkdownExerciseWriter(ExerciseWriter):
    """Markdown with LaTeX mathematics."""

    def __init__(self, graph: Graph) -> None:
        notation = Notation.of(graph)
        self.formulas, self.plain = LatexWriter(notation), UnicodeWriter(notation)

    def words(self, text: str) -> str:
        """Words in which nothing is markup."""
        return _MARKUP.sub(r"\\\1", printable(text))

    def math(self, formula: str) -> str:
        """A written formula."""
        return f"${formula}$"

    def display(self, lines: Sequence[str]) -> str:
        """Each formula centred on its line."""
        return "\n\n" + "\n".join(f"$$\n{line}\n$$\n" for line in lines)

    def table(self, table: Table) -> str:
        """A table."""
        return "\n\n" + markdown_tables([table])

    def sheet(self, title: str, parts: Sequence[tuple[str, str]], last: bool) -> str:
        """Numbered paragraphs under a heading."""
        body = "\n".join(f"**{head}** {text}\n" if head else f"{text}\n" for head, text in parts)
        return f"# {self.words(title)}\n\n{body}" + ("" if last else "\n---\n\n")

    def document(self, title: str, body: str) -> str:
        """The sheets."""
        return body


class LatexExerciseWriter(ExerciseWriter):
    """LaTeX with amsmath, booktabs and longtable."""

    def __init__(self, graph: Graph) -> None:
        notation = Notation.of(graph)
        self.formulas, self.plain = LatexWriter(notation), AsciiWriter(notation)

    def reason(self, text: str) -> str:
        """A cause in words, with primes and without arrows, for which the text font has no sign."""
        return text.replace("_prime(", "'(").replace(" -> ", " to ")

    def words(self, text: str) -> str:
        """Words in which nothing is a command."""
        return latex_text(text)

    def math(self, formula: str) -> str:
        """A written formula, quotients in full height."""
        return rf"$\displaystyle {formula}$" if r"\frac" in formula else f"${formula}$"

    def display(self, lines: Sequence[str]) -> str:
        """Formulas aligned to the left, long ones broken."""
        rows = [row for line in lines for row in self._rows(line)]
        return "\n\\begin{flalign*}\n" + " \\\\\n".join(rows) + "\n\\end{flalign*}\n"

    def _rows(self, line: str) -> list[str]:
        first, *others = broken(line, _MAX_WIDTH)
        return [f"& {first} &", *(rf"& \quad {{}}{other} &" for other in others)]

    def table(self, table: Table) -> str:
        """A table."""
        return "\n\\medskip\n\n" + latex_tables([table])

    def sheet(self, title: str, parts: Sequence[tuple[str, str]], last: bool) -> str:
        """Numbered paragraphs under a heading; the next sheet starts on a page of its own."""
        body = "\n".join(f"\\medskip\\noindent\\textbf{{{head}}} {text}\n" for head, text in parts)
        return f"\\section*{{{latex_text(title)}}}\n{body}" + ("" if last else "\\clearpage\n")

    def document(self, title: str, body: str) -> str:
        """A document of its own."""
        from backpropsym.document.formats.latex import document
        from backpropsym.document.writers.tables import PACKAGES

        return document(body, "", PACKAGES, landscape=False)
