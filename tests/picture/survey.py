"""Many networks in every medium and theme, measured: `python -m tests.picture.survey --count 60`."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import backpropsym as bp
from backpropsym.picture.layout.sheet import FitError
from backpropsym.picture.look.media import MEDIA
from backpropsym.picture.look.themes import THEMES
from backpropsym.spec.source import examples
from tests.picture.measure import faults
from tests.picture.networks import Subject, subjects

KINDS_OF_FAULT = ("overlap", "stands on", "beneath", "outside", "type of", "contrast", "does not fit")


def bundled() -> Iterator[Subject]:
    """The examples, each by its first parameter."""
    for name in examples():
        net = bp.example(name)
        yield Subject(name, net, next(iter(net.parameters)))


def survey(found: Sequence[Subject], media: Sequence[str | None], themes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each fault: in which picture, and what it is."""
    for subject in found:
        for fit in media:
            for theme in themes:
                where = f"{subject.name}, {fit or 'no medium'}, {theme}"
                try:
                    drawing = subject.network.draw(wrt=subject.wrt, level=subject.level, fit=fit, theme=theme)
                except FitError as error:
                    yield where, f"does not fit: {error.excess:.2f}"
                    continue
                for fault in faults(drawing):
                    yield where, fault


def main() -> int:
    """Print every fault and how many there are of each kind; 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--themes", default=",".join(THEMES))
    parser.add_argument("--media", default=",".join(("", *MEDIA)))
    chosen = parser.parse_args()
    found = [*bundled(), *subjects(chosen.count, chosen.seed)]
    media, start = [name or None for name in chosen.media.split(",")], time.monotonic()
    kinds = Counter[str]()
    for where, fault in survey(found, media, chosen.themes.split(",")):
        print(f"{where}: {fault}", flush=True)
        kinds[next(word for word in KINDS_OF_FAULT if word in fault)] += 1
    print(
        f"{len(found)} networks, {sum(kinds.values())} faults in {time.monotonic() - start:.0f} seconds: {dict(kinds)}"
    )
    return 1 if kinds else 0


if __name__ == "__main__":
    raise SystemExit(main())
