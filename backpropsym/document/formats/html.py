"""Pages as HTML that loads nothing and runs nothing; light or dark, as the reader's system is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from backpropsym.document.formulas import Math, Prose, Stated
from backpropsym.document.layouts.simple import simple
from backpropsym.document.model import Page, Row, Table
from backpropsym.document.palette import PALETTE
from backpropsym.document.registry import Format, Layout, define
from backpropsym.document.writers.mathematics import written
from backpropsym.document.writers.unicode import UnicodeWriter
from backpropsym.errors import printable

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; max-width: 75rem; margin: 2rem auto;
  padding: 0 1.5rem; background: Canvas; color: CanvasText; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 1.2rem 0.2rem 0; }
th { border-bottom: 1px solid GrayText; font-weight: 600; }
.right { text-align: right; }
.formula { font-family: "STIX Two Text", "Cambria", "DejaVu Serif", serif; }
.path { color: color-mix(in srgb, var(--path) 75%, CanvasText); }
.good { color: color-mix(in srgb, #009E73 75%, CanvasText); }
.bad { color: color-mix(in srgb, #D55E00 75%, CanvasText); }
.open { color: color-mix(in srgb, #E69F00 60%, CanvasText); }
"""


_SCOPE = "backpropsym"
_SCOPED = "\n".join(
    f".{_SCOPE} {rule.replace('CanvasText', 'currentcolor').replace('GrayText', 'currentcolor')}"
    for rule in re.findall(r"(?m)^(?:\.|table|th|td)[^{]*\{[^}]*\}", _STYLE)
).replace("th, td", f"th, .{_SCOPE} td")
"""The rules for what stands inside a page, for it alone."""


def html(page: Page, layout: Layout) -> str:
    """`page` as a file for a browser."""
    title = _escaped(page.title or "backpropsym")
    heading = f"<h1>{title}</h1>\n" if page.title else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{heading}{''.join(_HtmlPage(page, layout).lines())}</main>\n</body>\n</html>\n"
    )


def fragment(page: Page) -> str:
    """`page` for a notebook: its parts, in the colours of what stands around them."""
    return f'<div class="{_SCOPE}"><style>{_SCOPED}</style>\n{"".join(_HtmlPage(page, Layout()).lines())}</div>\n'


def _escaped(text: str) -> str:
    """Plain text, in which nothing is markup."""
    return escape(printable(text))


class _HtmlPage:
    """Writes one page."""

    def __init__(self, page: Page, layout: Layout) -> None:
        self.page = page
        self.writer = UnicodeWriter(page.notation.on_pages(), digits=layout.digits)

    def lines(self) -> Iterator[str]:
        """The parts from top to bottom."""
        for part in self.page.parts:
            for item in simple(part):
                match item:
                    case Row(left, right):
                        yield f'<p class="wide">{self.formula(left)} = {self.formula(right)}</p>\n'
                    case Table():
                        yield from self.table(item)
                    case _:
                        yield f"<p>{self.inline(item)}</p>\n"

    def table(self, table: Table) -> Iterator[str]:
        """A table, its notes below."""
        if table.title:
            yield f"<h2>{self.inline(table.title)}</h2>\n"
        if table.rows:
            yield '<div class="wide"><table>\n'
            if table.heads:
                yield f"<thead>{self.row(table.heads, 'th', table)}</thead>\n"
            yield "<tbody>\n"
            for number, row in table.coloured:
                colour = PALETTE[(number - 1) % len(PALETTE)] if number else ""
                yield self.row(row, "td", table, f' class="path" style="--path: {colour}"' if number else "")
            yield "</tbody>\n</table></div>\n"
        yield from (f"<p>{self.inline(note)}</p>\n" for note in table.notes)

    def row(self, row: tuple[Prose, ...], kind: str, table: Table, attributes: str = "") -> str:
        """One row of cells."""
        sides = (' class="right"' if at in table.right else "" for at in range(len(row)))
        cells = (f"<{kind}{side}>{self.inline(cell)}</{kind}>" for side, cell in zip(sides, row, strict=True))
        return f"<tr{attributes}>{''.join(cells)}</tr>\n"

    def inline(self, prose: Prose) -> str:
        """Words and formulas within a line."""
        match prose:
            case str():
                return _escaped(prose)
            case tuple():
                return "".join(map(self.inline, prose))
            case Stated(text, tone):
                return f'<strong class="{tone}">{_escaped(text)}</strong>'
            case _:
                return self.formula(prose)

    def formula(self, part: Math) -> str:
        """Mathematics in Unicode."""
        return f'<span class="formula">{_escaped(written(part, self.writer))}</span>'


define(Format("html", (".html",), html, limit=1_000))
