"""A story as a PDF, a page a step: headings and captions are text, pictures and formulas vector graphics."""

from __future__ import annotations

from backpropsym.errors import printable
from backpropsym.picture.formats.raster import compiled
from backpropsym.picture.layout.sheet import CLOSE
from backpropsym.story.decks.frames import Frames
from backpropsym.story.steps import Story, plain

_SOURCE = b"""
#let deck = json(bytes(sys.inputs.deck))
#set document(title: deck.title, date: none)
#set page(width: 320mm, height: 180mm, margin: (x: 12mm, top: 9mm, bottom: 8mm), fill: rgb(deck.background))
#set text(font: "Libertinus Serif", size: 15pt, fill: rgb(deck.quiet))
#set par(leading: 0.5em)
#show heading: set text(size: 25pt, weight: "regular", fill: rgb(deck.ink))
#for (number, step) in deck.steps.enumerate() {
  if number > 0 { pagebreak() }
  grid(
    rows: (auto, step.high * 1mm, 1fr, auto),
    row-gutter: 4mm,
    columns: 100%,
    heading(step.title),
    align(center, image(bytes(step.picture), format: "svg", height: 100%, alt: step.alt)),
    align(center + horizon, layout(room => {
      if step.formulas != "" {
        let wide = calc.min(room.width, step.wide * 0.25mm)
        let tall = wide * step.ratio
        if tall > room.height { wide = wide * (room.height / tall) }
        image(bytes(step.formulas), format: "svg", width: wide, alt: step.plain)
      }
    })),
    align(center, step.caption),
  )
}
"""


def slides_pdf(story: Story) -> bytes:
    """`story` as the bytes of a PDF of 16 to 9; the same bytes every time.

    Raises
    ------
    MissingExtraError : the `typst` package is not installed.
    """
    frames = Frames(story)
    theme = story.theme
    steps = []
    for step in story.steps:
        formulas = frames.formulas_svg(step) if step.columns else ""
        block = frames.formulas(step)
        bounds = frames.layout.bounds
        steps.append(
            {
                "title": printable(plain(step.title)),
                "caption": printable(plain(step.caption)),
                "picture": frames.picture(step),
                "high": min(98.0, (bounds.height + 2 * CLOSE) * min(296.0 / (bounds.width + 2 * CLOSE), 0.4)),
                "formulas": formulas,
                "wide": block.width,
                "ratio": block.height / max(block.width, 1.0),
                "alt": printable(step.alt),
                "plain": printable(step.formulas.replace("\n", "; ")),
            }
        )
    deck = {"title": printable(story.title), "background": theme.background, "ink": theme.ink, "quiet": theme.quiet}
    return compiled(_SOURCE, {**deck, "steps": steps}, "deck")
