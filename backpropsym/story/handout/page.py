"""A handout as a web page and as a PDF: text as text, pictures and formulas as vector graphics."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from backpropsym.errors import printable
from backpropsym.picture.formats.html_page import POLICY
from backpropsym.picture.formats.raster import compiled, size
from backpropsym.picture.formats.svg_boxes import escaped
from backpropsym.picture.look.themes import Theme
from backpropsym.story.formula_blocks import block_svg
from backpropsym.story.handout.content import Formulas, Handout, Heading, Paragraph, Part, Picture, Table
from backpropsym.story.handout.parts import displays, drawn, plain_lines, with_next
from backpropsym.story.steps import Column, Maths, plain

FONT = 19.0
"""Size of formulas, in pixels."""

HEIGHT = 60
"""The most height of a picture of the network on paper, in millimetres."""

_SOURCE = b"""
#let sheet = json(bytes(sys.inputs.sheet))
#set document(title: sheet.title, date: none)
#set page(paper: "a4", margin: (x: 18mm, y: 15mm), fill: rgb(sheet.background))
#set text(font: "Libertinus Serif", size: 10pt, fill: rgb(sheet.ink))
#show heading.where(level: 2): set text(size: 11.5pt)
#heading(sheet.title)
#let fitted(part) = align(if part.flush { left } else { center }, layout(room => image(
  bytes(part.svg), format: "svg", alt: part.alt,
  width: calc.min(room.width, part.wide * 0.5pt, part.most * 1mm * part.wide / part.high),
)))
#let rendered(halved) = for part in sheet.parts {
  if part.kind == "heading" {
    if halved and part.halves { pagebreak() }
    heading(level: 2, part.text)
  }
  if part.kind == "text" { block(sticky: part.sticky, part.text) }
  let indent = if part.at("flush", default: false) { 1em } else { 0pt }
  if part.kind == "picture" { block(sticky: part.sticky, width: 100%, inset: (left: indent), fitted(part)) }
  if part.kind == "table" {
    block(breakable: part.rows.len() > 40, table(columns: part.header.len(), stroke: none, inset: 2.5pt,
      table.header(..part.header.map(strong)), table.hline(stroke: 0.5pt), ..part.rows.flatten()))
  }
}
#context {
  let whole = block(width: page.width - 36mm, rendered(false))
  rendered(measure(whole).height + measure(heading(sheet.title)).height > page.height - 32mm)
}
"""


def sheet_html(sheet: Handout) -> str:
    """`sheet` as one HTML file that needs no other and lets nothing run."""
    theme = _theme(sheet)
    style = (
        f"body{{margin:2em auto;max-width:60em;padding:0 1em;background:{theme.background};color:{theme.ink};"
        'font:17px/1.5 Georgia,"Times New Roman",serif}svg{max-width:100%;height:auto}figure{margin:1em 0}'
        f"td,th{{padding:.1em 1em .1em 0;text-align:left}}th{{border-bottom:1px solid {theme.link}}}"
        "@media print{@page{size:A4;margin:15mm 18mm}body{margin:0;padding:0;max-width:none;font-size:10pt}"
        "h1{font-size:1.4em}h2{font-size:1.15em}h2,.lead{break-after:avoid}figure{margin:.6em 0}"
        "figure,.together,table{break-inside:avoid}svg{zoom:.7;max-height:90mm}}"
    )
    body = "\n".join(_html(part, theme, sticky) for part, sticky in with_next(sheet))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(sheet.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<h1>{escaped(sheet.title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def sheet_pdf(sheet: Handout) -> bytes:
    """`sheet` as the bytes of a PDF on A4; the same bytes every time.

    Raises
    ------
    MissingExtraError : the `typst` package is not installed.
    """
    theme = _theme(sheet)
    parts = [found for part, sticky in with_next(sheet) for found in _data(part, theme, sticky)]
    data = {"title": printable(sheet.title), "background": theme.background, "ink": theme.ink, "parts": parts}
    return compiled(_SOURCE, data, "sheet")


def _theme(sheet: Handout) -> Theme:
    return next(sheet.pictures).drawing.theme


def _html(part: Part, theme: Theme, sticky: bool) -> str:
    match part:
        case Heading(words, _):
            return f"<h2>{escaped(plain(words))}</h2>"
        case Paragraph(words):
            return f"<p{' class=lead' * sticky}>{escaped(plain(words))}</p>"
        case Formulas(lines, together):
            found = "\n".join(f"<figure>{_formulas(columns, theme)}</figure>" for columns in displays(lines))
            return f"<div class=together>\n{found}\n</div>" if together else found
        case Picture():
            return f"<figure{' class=lead' * sticky}>{drawn(part)}</figure>"
        case Table(header, rows):
            head = "".join(f"<th>{escaped(cell)}</th>" for cell in header)
            body = "".join(f"<tr>{''.join(f'<td>{escaped(_text(c))}</td>' for c in row)}</tr>" for row in rows)
            return f"<table><tr>{head}</tr>{body}</table>"


def _data(part: Part, theme: Theme, sticky: bool) -> Iterator[dict[str, object]]:
    """What Typst sets of a part."""
    match part:
        case Heading(words, halves):
            yield {"kind": "heading", "text": printable(plain(words)), "halves": halves}
        case Paragraph(words):
            yield {"kind": "text", "text": printable(plain(words)), "sticky": sticky}
        case Formulas(lines, together):
            found = list(displays(lines))
            for place, columns in enumerate(found, 1):
                alt = "; ".join(map(plain_lines, columns))
                joined = together and place < len(found)
                yield _picture(_formulas(columns, theme), alt, 240, joined, flush=True)
        case Picture(_, drawing):
            yield _picture(drawn(part), drawing.scene.description, HEIGHT, sticky)
        case Table(header, rows):
            cells = [[printable(_text(cell)) for cell in row] for row in rows]
            yield {"kind": "table", "header": list(header), "rows": cells}


def _picture(svg: str, alt: str, most: float, sticky: bool, flush: bool = False) -> dict[str, object]:
    """A picture of at most so many millimetres in height, in the middle or, as formulas are, at the left."""
    wide, high = size(svg)
    size_of = {"wide": wide, "high": high, "most": most}
    return {"kind": "picture", "svg": svg, **size_of, "alt": printable(alt), "sticky": sticky, "flush": flush}


def _formulas(columns: tuple[Column, ...], theme: Theme) -> str:
    key = "bp" + sha256(repr((columns, theme)).encode()).hexdigest()[:8]
    return block_svg(columns, theme, "; ".join(map(plain_lines, columns)), key, FONT)


def _text(cell: Maths | str) -> str:
    return cell if isinstance(cell, str) else cell.plain
