"""A handout in Markdown with LaTeX mathematics; its pictures are files beside it."""

from __future__ import annotations

from collections.abc import Iterator

from backpropsym.document.formats.markdown import markdown_text
from backpropsym.story.decks.beamer import formula
from backpropsym.story.handout.content import Formulas, Handout, Heading, Paragraph, Picture, Table
from backpropsym.story.handout.parts import displays
from backpropsym.story.steps import Column, Line, Maths, Prose, Step


def sheet_markdown(sheet: Handout, stem: str) -> str:
    """`sheet` as Markdown, which shows the pictures `stem`-network.svg and so on."""
    return f"# {markdown_text(sheet.title)}\n\n" + "\n".join(
        line for part in sheet.parts for line in _written(part, stem)
    )


def _written(part: object, stem: str) -> Iterator[str]:
    """One part, line by line, an empty one after it."""
    match part:
        case Heading(words):
            yield f"## {_prose(words)}\n"
        case Paragraph(words):
            yield f"{_prose(words)}\n"
        case Formulas(lines):
            for columns in displays(lines):
                yield f"$$\n{formula([1], [Step('sum', (), (), tuple(map(_uncoloured, columns)))])}\n$$\n"
        case Picture(name, drawing):
            yield f"![{markdown_text(drawing.scene.description)}](<{picture_name(stem, name)}>)\n"
        case Table(header, rows):
            yield f"| {' | '.join(header)} |\n|{' --- |' * len(header)}"
            for row in rows:
                yield f"| {' | '.join(_cell(cell) for cell in row)} |"
            yield ""


def picture_name(stem: str, name: str) -> str:
    """The file of a picture beside the file `stem`.md."""
    return f"{stem}-{name}.svg"


def _uncoloured(column: Column) -> Column:
    """Without the colours of the paths, which Markdown's readers do not agree on."""
    return tuple(
        Line(line.left, line.sign, tuple(type(piece)(piece.maths) for piece in line.pieces)) for line in column
    )


def _prose(words: Prose) -> str:
    return "".join(markdown_text(part) if isinstance(part, str) else f"${part.latex}$" for part in words)


def _cell(cell: Maths | str) -> str:
    return markdown_text(cell) if isinstance(cell, str) else f"${cell.latex}$"
