"""The steps of a story one after the other in one SVG, by style sheet alone: no script, no other file."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from backpropsym.render.frames import HEIGHT, WIDTH, Frames, described, slide_body
from backpropsym.render.paint import escaped
from backpropsym.render.steps import plain
from backpropsym.render.typeset import number

SECONDS = 3.5
"""How long each step is shown; then the next one, and after the last the first again."""


def animation(frames: Frames) -> str:
    """Every step of a story for a few seconds, over and over; those who want no motion see the last one with a sum."""
    story = frames.story
    key = "bp" + sha256(repr((story.scene, story.theme, story.steps)).encode()).hexdigest()[:8]
    body = "".join(
        f'<g class="{key}-step" data-kind="{step.kind}" data-paths="{" ".join(map(str, step.trails))}">\n'
        f"{slide_body(frames, step)}</g>\n"
        for step in story.steps
    )
    words = " ".join(f"{plain(step.title)}. {described(step)}" for step in story.steps)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-labelledby="{key}-title {key}-desc">\n'
        f'<title id="{key}-title">{escaped(story.title)}</title>\n<desc id="{key}-desc">{escaped(words)}</desc>\n'
        f"<style>{''.join(_style(frames, key))}</style>\n{body}</svg>\n"
    )


def _style(frames: Frames, key: str) -> Iterator[str]:
    """Each step is shown for its share of the whole time."""
    steps = frames.story.steps
    count = len(steps)
    still = max((place for place, step in enumerate(steps, 1) if step.kind in ("paths", "sum")), default=1)
    share = 100 / count
    yield f".{key}-step{{visibility:hidden;animation:{key} {number(SECONDS * count)}s step-end infinite}}"
    if count > 1:
        yield f"@keyframes {key}{{0%{{visibility:visible}}{number(share, 4)}%{{visibility:hidden}}}}"
    else:
        yield f"@keyframes {key}{{0%{{visibility:visible}}}}"
    for place in range(1, count + 1):
        yield f".{key}-step:nth-of-type({place}){{animation-delay:{number(SECONDS * (place - 1))}s}}"
    yield (
        f"@media (prefers-reduced-motion:reduce){{.{key}-step{{animation:none}}"
        f".{key}-step:nth-of-type({still}){{visibility:visible}}}}"
    )
