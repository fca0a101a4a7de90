"""Pictures of a bundled network, one for each parameter of its first layer, in a folder of your choice.

python examples/pictures.py pictures
"""

from __future__ import annotations

import sys
from pathlib import Path

import backpropsym as bp


def main(folder: Path) -> None:
    """Write one SVG for each parameter whose name starts with w."""
    folder.mkdir(parents=True, exist_ok=True)
    net = bp.example("lecture")
    for name in net.parameters:
        if name.startswith("w"):
            picture = net.draw(wrt=name).save(folder / f"{name}.svg")
            print(picture.name, "shows", net.derive(wrt=name).count, "paths")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "pictures"))
