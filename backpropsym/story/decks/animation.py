"""The steps of a story one after the other in one SVG, by style sheet alone: no script, no other file."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from backpropsym.picture.formats.svg_boxes import escaped
from backpropsym.picture.look.typeset import number
from backpropsym.story.decks.frames import HEIGHT, WIDTH, Frames, described, slide_body
from backpropsym.story.steps import plain

SECONDS = 3.5
"""How long each step is shown; then the next one, and after the last the first again."""


def animation(frames: Frames) -> str:
    """Every step of a story for a few seconds, over and over.

    Those who want no motion, and programs that show none, see the last step with a sum.
    """
    story, hidden = frames.story, ' visibility="hidden"'
    bodies = [slide_body(frames, step) for step in story.steps]
    key = "bp" + sha256("".join(bodies).encode()).hexdigest()[:8]
    still = max((place for place, step in enumerate(story.steps) if step.kind in ("paths", "sum")), default=0)
    body = "".join(
        f'<g class="{key}-step" data-kind="{step.kind}" data-paths="{" ".join(map(str, step.highlights))}"'
        f"{'' if place == still else hidden}>\n{drawn}</g>\n"
        for place, (step, drawn) in enumerate(zip(story.steps, bodies, strict=True))
    )
    words = " ".join(f"{plain(step.title)}. {described(step)}" for step in story.steps)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-labelledby="{key}-title {key}-desc">\n'
        f'<title id="{key}-title">{escaped(story.title)}</title>\n<desc id="{key}-desc">{escaped(words)}</desc>\n'
        f"<style>{''.join(_style(len(story.steps), key))}</style>\n{body}</svg>\n"
    )


def _style(count: int, key: str) -> Iterator[str]:
    """Each step is shown for its share of the whole time."""
    whole = SECONDS * count
    yield f".{key}-step{{animation:{key} {number(whole)}s step-end infinite}}"
    if count > 1:
        yield f"@keyframes {key}{{0%{{visibility:visible}}{number(100 / count, 4)}%{{visibility:hidden}}}}"
    else:
        yield f"@keyframes {key}{{0%{{visibility:visible}}}}"
    # Each but the first is late in a round that has begun, so that its own visibility never shows.
    for place in range(1, count):
        yield f".{key}-step:nth-of-type({place + 1}){{animation-delay:{number(SECONDS * place - whole)}s}}"
    yield f"@media (prefers-reduced-motion:reduce){{.{key}-step{{animation:none}}}}"
