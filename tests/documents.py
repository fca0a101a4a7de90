"""pdflatex's verdict on a document, and its pages as pixels."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Compiled:
    log: str
    pages: int
    pdf: Path


def compiled(text: str, folder: Path) -> Compiled:
    """The document, which pdflatex must accept at its first mistake or not at all."""
    folder.mkdir(exist_ok=True)
    (folder / "page.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=400, check=False)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2_000:]
    pages = re.search(r"\((\d+) pages?", log)
    assert pages is not None
    return Compiled(log, int(pages[1]), folder / "page.pdf")


@dataclass(frozen=True)
class Image:
    width: int
    height: int
    pixels: bytes

    def rows(self, colour: str, tolerance: int = 24) -> list[int]:
        """The rows that have a pixel of this colour, `#RRGGBB`, from the top."""
        wanted = bytes.fromhex(colour[1:])
        found = []
        for row in range(self.height):
            line = self.pixels[3 * self.width * row : 3 * self.width * (row + 1)]
            if any(all(abs(line[at + i] - wanted[i]) <= tolerance for i in range(3)) for at in range(0, len(line), 3)):
                found.append(row)
        return found


def images(pdf: Path, resolution: int = 60) -> list[Image]:
    """The pages of a PDF as pixels."""
    stem = pdf.with_suffix("")
    subprocess.run(["pdftoppm", "-r", str(resolution), str(pdf), str(stem)], check=True, timeout=400)
    found = []
    for path in sorted(pdf.parent.glob(f"{stem.name}-*.ppm")):
        head, size, _, pixels = path.read_bytes().split(b"\n", 3)
        assert head == b"P6"
        width, height = map(int, size.split())
        found.append(Image(width, height, pixels))
    return found
