"""Draw the rooms of the package and who imports from whom, from the code as it stands.

    python docs/rooms_picture.py            rewrite docs/images/rooms.svg
    python docs/rooms_picture.py --check    change nothing; exit 1 if it is stale

Rooms stand in the order of the contract in pyproject.toml. An arc runs from a room down to one that imports from it,
the wider the more imports; against the order it would run on the other side, in red.
"""

from __future__ import annotations

import argparse
import ast
import math
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "backpropsym"
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
LEFT_OUT = {"__main__", "errors", "collection", "arrays", "files", "examples"}
"""What every room may use, and what nothing uses, would hide the rest."""

COLOURS = ("#1f6fb4", "#2a8a8a", "#3c8d40", "#8a7a1e", "#b5651d", "#b0413e", "#9b3f8c", "#5f4bb6")
PITCH, TOP, LEFT = 56, 96, 36
HIGH = 46
CHIPS, RAIL = 144, 690
CHIP_HEIGHT, CHIP_GAP, LETTER, LETTERS = 20, 6, 6.7, 92
WIDTH, BULGE = 950, 0.62
FONT = "font-family='Source Sans 3, Helvetica Neue, Arial, sans-serif'"


def orders() -> dict[str, list[str]]:
    """For each package with a contract, what is in it in the order in which data flows."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return {
        contract["containers"][0]: [
            name.strip() for layer in reversed(contract["layers"]) for name in sorted(layer.split("|"))
        ]
        for contract in contracts
    }


def rooms() -> list[str]:
    """The rooms in the order in which data flows."""
    return [room for room in orders()["backpropsym"] if room not in LEFT_OUT]


def inner_rooms(room: str) -> list[str]:
    """The folders of a room, in the order of its own contract, or of the alphabet."""
    folders = sorted(path.parent.name for path in PACKAGE.glob(f"{room}/*/__init__.py"))
    return [name for name in orders().get(f"backpropsym.{room}", folders) if name in folders]


def about(room: str) -> str:
    """What a room is, by the first line of its docstring."""
    path = PACKAGE / room / "__init__.py" if (PACKAGE / room).is_dir() else PACKAGE / f"{room}.py"
    described = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    return textwrap.shorten(described.replace("`", "").rstrip("."), LETTERS, placeholder=" …")


def imports() -> Counter[tuple[str, str]]:
    """How many modules of a room, the second, are imported by statements in another, the first."""
    found: Counter[tuple[str, str]] = Counter()
    for path in PACKAGE.rglob("*.py"):
        importer = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("backpropsym"):
                names = node.module.split(".")[1:2] or [alias.name for alias in node.names]
                found.update((importer, name) for name in names if name != importer)
    return found


def stroke(count: int) -> tuple[float, float]:
    """Width and opacity of an arc that stands for so many imports."""
    if count < 4:
        return 1.2, 0.35
    return (2.4, 0.55) if count < 16 else (4.2, 0.75)


def colours(names: Sequence[str]) -> Mapping[str, str]:
    """A colour for each room, like that of its neighbours."""
    return {name: COLOURS[at * len(COLOURS) // len(names)] for at, name in enumerate(names)}


def height(name: str, names: Sequence[str]) -> float:
    """The middle of the row of a room."""
    return TOP + PITCH * names.index(name)


def arcs(names: Sequence[str]) -> Iterator[str]:
    """One arc for each pair of rooms of which one imports from the other, long ones behind."""
    looks = colours(names)
    pairs = [pair for pair in imports().items() if set(pair[0]) <= set(names)]
    for (importer, imported), count in sorted(
        pairs, key=lambda pair: (-abs(names.index(pair[0][0]) - names.index(pair[0][1])), pair[0])
    ):
        start, end = height(imported, names), height(importer, names)
        wide, opacity = stroke(count)
        forward = start < end
        colour, side, rail = (looks[imported], 1, RAIL + 6) if forward else ("#d40000", -1, LEFT - 4)
        start, end = (start + 4, end - 4) if forward else (start - 4, end + 4)
        radius = abs(end - start) / 2
        bow = rail + side * (14 + 2 * radius * BULGE * 260 / (260 + radius * BULGE))
        yield (
            f"<path class='arc' data-from='{imported}' data-to='{importer}' d='M{rail} {start:g}"
            f"C{bow:.1f} {start:g} {bow:.1f} {end:g} {rail} {end:g}' fill='none' stroke='{colour}' "
            f"stroke-width='{wide}' stroke-opacity='{opacity}' marker-end='url(#{'to' if forward else 'back'})'>"
            f"<title>{importer} imports from {imported}</title></path>"
        )


def row(name: str, names: Sequence[str]) -> Iterator[str]:
    """A room: its name, its folders, and the point at which its arcs begin and end."""
    y, colour = height(name, names), colours(names)[name]
    upper = y - 8
    yield (
        f"<rect x='{LEFT}' y='{y - HIGH / 2:g}' width='{RAIL - LEFT}' height='{HIGH}' rx='8' fill='{colour}' "
        f"fill-opacity='0.09'/><rect x='{LEFT}' y='{y - HIGH / 2:g}' width='4' height='{HIGH}' rx='2' fill='{colour}'/>"
        f"<text x='{LEFT + 16}' y='{upper + 5:g}' font-size='16' font-weight='600' fill='#1d2430'>{escape(name)}</text>"
        f"<text x='{LEFT + 16}' y='{y + 15:g}' font-size='12.5' fill='#5a6472'>{escape(about(name))}</text>"
    )
    x = float(LEFT + CHIPS)
    for inner in inner_rooms(name):
        wide = LETTER * len(inner) + 16
        yield (
            f"<rect x='{x:g}' y='{upper - CHIP_HEIGHT / 2:g}' width='{wide:.1f}' height='{CHIP_HEIGHT}' rx='10' "
            f"fill='#fff' stroke='{colour}' stroke-opacity='0.55'/><text x='{x + wide / 2:.1f}' y='{upper + 4:g}' "
            f"font-size='12.5' text-anchor='middle' fill='#1d2430'>{escape(inner)}</text>"
        )
        x += wide + CHIP_GAP
    yield f"<circle cx='{RAIL}' cy='{y:g}' r='5' fill='{colour}'/>"


def marker(name: str, colour: str) -> str:
    """The head of an arrow."""
    return (
        f"<marker id='{name}' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='8' markerHeight='8' orient='auto' "
        f"markerUnits='userSpaceOnUse'><path d='M0 0L8 4L0 8z' fill='{colour}'/></marker>"
    )


def picture() -> str:
    """The text of the SVG file."""
    names = rooms()
    high = math.ceil(TOP + PITCH * (len(names) - 1) + 40)
    head = (
        f"<text x='{LEFT}' y='34' font-size='18' font-weight='600' fill='#1d2430'>The rooms of backpropsym</text>"
        f"<text x='{LEFT}' y='56' font-size='13' fill='#5a6472'>Data flows down. An arc runs from a room to each that "
        f"imports from it, the wider the more it imports.</text>"
    )
    body = [*arcs(names), *(part for name in names for part in row(name, names))]
    return "\n".join(
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {high}' width='{WIDTH}' height='{high}' "
            f"role='img' {FONT}>",
            "<title>The rooms of backpropsym and their imports</title>",
            f"<desc>From top to bottom: {', '.join(names)}. A room imports only from those above it.</desc>",
            f"<defs>{marker('to', '#5a6472')}{marker('back', '#d40000')}</defs>",
            f"<rect width='{WIDTH}' height='{high}' rx='12' fill='#fff'/>",
            head,
            *body,
            "</svg>\n",
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the picture; the exit code."""
    parser = argparse.ArgumentParser(description="Draw the rooms of the package and their imports.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the picture is stale")
    made = picture()
    stale = not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != made
    if parser.parse_args(arguments).check:
        if stale:
            print("docs/images/rooms.svg is stale: run python docs/rooms_picture.py", file=sys.stderr)
        return int(stale)
    PICTURE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
