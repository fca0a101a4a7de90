"""A story as slides for a browser: one file with everything in it, nothing loaded, nothing sent."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib import resources
from itertools import groupby

from backpropsym.picture.formats.svg_boxes import escaped
from backpropsym.picture.look.themes import Theme
from backpropsym.story.decks.frames import Frames
from backpropsym.story.steps import Step, Story, plain

WIDTH, HEIGHT = 1280, 720
"""Size of a slide, in pixels; the browser scales it to its window."""

_CHAPTERS = {"paths": "paths", "sum": "paths", "bricks": "paths"}
"""Steps that share a slide, on which each is a click of its own."""

_SPEAKER_SCRIPT = re.compile(r"<script>(.*?)<\\?/script>", re.DOTALL)
_START = (
    "Reveal.initialize({{width: {width}, height: {height}, margin: 0.02, center: false, hash: true, "
    "slideNumber: 'c/t', transition: 'none', fragmentInURL: true, title: {title}, plugins: [RevealNotes]}});"
)


@cache
def vendored(name: str) -> str:
    """A file of reveal.js."""
    return resources.files("backpropsym.story.decks.revealjs").joinpath(name).read_text(encoding="utf-8")


def reveal(story: Story) -> str:
    """`story` as one HTML file: arrow keys step through it, S opens the notes of the speaker, ? shows the keys."""
    theme, frames = story.theme, Frames(story)
    chapters = groupby(story.steps, key=lambda step: _CHAPTERS.get(step.kind, step.kind))
    sections = "\n".join(_section(list(steps), frames) for _, steps in chapters)
    # A JSON text is JavaScript too; a slash in a script could end it.
    title = json.dumps(story.title).replace("<", "\\u003c")
    scripts = (vendored("reveal.js"), vendored("notes.js"), _START.format(width=WIDTH, height=HEIGHT, title=title))
    written = "\n".join(f"<script>{script}</script>" for script in scripts)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(scripts)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(story.title)}</title>\n"
        f"<!--\nThe slides run on reveal.js:\n\n{vendored('LICENSE')}-->\n"
        f"<style>{vendored('reveal.css')}</style>\n<style>{_style(theme)}</style>\n</head>\n<body>\n"
        f'<div class="reveal">\n<div class="slides">\n{sections}\n</div>\n</div>\n{written}\n</body>\n</html>\n'
    )


def policy(scripts: tuple[str, ...]) -> str:
    """What the page may do: run exactly these scripts and the one of the speaker's window, and load nothing."""
    # The script stands in a template literal, in which a backslash keeps the character after it as it is.
    speaker = [re.sub(r"\\(.)", r"\1", found) for found in _SPEAKER_SCRIPT.findall(vendored("notes.js"))]
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in (*scripts, *speaker))
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "frame-src 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(sha256(script.encode()).digest()).decode()


def _style(theme: Theme) -> str:
    return f"""
:root {{ --r-background-color: {theme.background}; --r-controls-color: {theme.quiet}; }}
body, body.reveal-viewport {{ background: {theme.background}; color: {theme.ink}; }}
.reveal, .reveal .slide-number {{ font-family: system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }}
.reveal .slide-number, .reveal .slide-number a {{ background: none; color: {theme.quiet}; text-decoration: none; }}
.reveal .slide-number {{ right: auto; left: 12px; bottom: 12px; font-size: 18px; }}
.reveal .controls, .reveal .progress {{ color: {theme.quiet}; }}
.reveal .slides section {{ height: 100%; padding: 0; text-align: left; }}
.step {{ position: absolute; inset: 0; box-sizing: border-box; padding: 24px 40px; background: {theme.background};
  display: flex; flex-direction: column; }}
.step h2 {{ color: {theme.ink}; font-size: 34px; font-weight: 600; margin: 0 0 14px; line-height: 1.2; }}
.step .picture {{ flex: 0 1 auto; min-height: 0; text-align: center; }}
.step .picture svg {{ width: 100%; height: 100%; max-height: 392px; }}
.step .formulas {{ flex: 1 1 0; min-height: 0; display: flex; align-items: center; justify-content: center; }}
.step .formulas svg {{ max-width: 100%; max-height: 100%; }}
.step .caption {{ font-size: 22px; color: {theme.quiet}; text-align: center; margin: 10px 0 22px; }}
.step.fragment {{ visibility: hidden; opacity: 1; }}
.step.fragment.visible {{ visibility: visible; }}
.step.fragment.visible:has(~ .step.fragment.visible) {{ visibility: hidden; }}
"""


def _section(steps: list[Step], frames: Frames) -> str:
    """A slide; each step after its first is a fragment that covers the one before."""
    written = "\n".join(_step(step, frames, place) for place, step in enumerate(steps))
    return f'<section data-kind="{steps[0].kind}">\n{written}\n</section>'


def _step(step: Step, frames: Frames, place: int) -> str:
    kind = "step fragment" if place else "step"
    index = f' data-fragment-index="{place - 1}"' if place else ""
    return (
        f'<div class="{kind}" data-kind="{step.kind}" data-paths="{" ".join(map(str, step.highlights))}"{index}>\n'
        f"<h2>{escaped(plain(step.title))}</h2>\n"
        f'<div class="picture">{frames.picture(step)}</div>\n'
        f'<div class="formulas">{frames.formulas_svg(step)}</div>\n'
        f'<p class="caption">{escaped(plain(step.caption))}</p>\n'
        f'<aside class="notes">{"".join(_paragraphs(step))}</aside>\n</div>'
    )


def _paragraphs(step: Step) -> Iterator[str]:
    return (f"<p>{escaped(plain(note))}</p>" for note in step.notes)
