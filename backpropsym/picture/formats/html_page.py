"""A picture inside a web page that needs nothing else and lets nothing run."""

from __future__ import annotations

from backpropsym.picture.formats.svg_boxes import escaped
from backpropsym.picture.look.themes import Theme

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a page without scripts may do: show itself."""


def page(svg: str, title: str, theme: Theme) -> str:
    """An HTML page with the picture, scaled down to fit a narrow window."""
    style = (
        f"body{{margin:0;background:{theme.background};display:grid;min-height:100vh;place-items:center}}"
        "svg{max-width:100%;height:auto}"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n{svg}</main>\n</body>\n</html>\n"
    )
