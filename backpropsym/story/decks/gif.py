"""A story as an animated GIF, for chats and READMEs that show no SVG: every step for as long as it takes to read."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from backpropsym.errors import LimitError, MissingExtraError
from backpropsym.picture.formats.raster import png
from backpropsym.story.decks.frames import Frames
from backpropsym.story.steps import Step, Story, plain

if TYPE_CHECKING:
    import PIL.Image

COLOURS = 256
"""What a GIF can hold: one palette for all steps."""

FLAT = 96
"""How many of them are the colours of whole areas, exactly as in the picture; the rest are for the edges of lines."""

MAX_STEPS = 120
SHORTEST, LONGEST = 2.5, 6.0
"""Seconds."""

_A_LETTER = 0.02
"""Seconds that a letter of the heading, the formulas and the caption adds to the first two."""


def slides_gif(story: Story) -> bytes:
    """`story` as the bytes of a GIF of 1280 by 720 pixels that starts over at its end; the same bytes every time.

    Raises
    ------
    LimitError : more than 120 steps.
    MissingExtraError : the `typst` or the `pillow` package is not installed.
    """
    if len(story.steps) > MAX_STEPS:
        raise LimitError(
            f"the GIF would have {len(story.steps)} pictures, more than {MAX_STEPS}",
            fix="choose some with --steps, or save it as .svg or .html",
        )
    try:
        import PIL.Image
    except ImportError as error:
        raise MissingExtraError("a GIF needs the pillow package", fix='pip install "backpropsym[pdf]"') from error
    pictures = (png(slide, scale=1.0) for slide in Frames(story).slides())
    frames = [np.asarray(PIL.Image.open(io.BytesIO(picture)).convert("RGB")) for picture in pictures]
    palette = _palette(frames)
    first, *others = (_in_colours(frame, palette) for frame in frames)
    written = io.BytesIO()
    first.save(
        written,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=[round(1000 * seconds(step)) for step in story.steps],
        loop=0,
        optimize=False,
        comment=plain(story.title).encode("ascii", "replace"),
    )
    return written.getvalue()


def seconds(step: Step) -> float:
    """How long a step is shown: longer where there is more to read."""
    words = f"{plain(step.title)}{step.formulas}{plain(step.caption)}"
    return min(max(2.0 + _A_LETTER * len(words), SHORTEST), LONGEST)


def _packed(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The colours of all pixels as numbers."""
    wide = frame.astype(np.int64)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def _palette(frames: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.int64]:
    """The commonest colours exactly; of the others one for each cell of a grid, the commonest cells first."""
    counts = Counter[int]()
    for frame in frames:
        found, times = np.unique(_packed(frame), return_counts=True)
        counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
    ranked = sorted(counts, key=lambda colour: (-counts[colour], colour))
    flat, rest = ranked[:FLAT], ranked[FLAT:]
    cells: dict[int, list[int]] = {}
    for colour in rest:
        cells.setdefault(colour & 0xF0F0F0, []).append(colour)
    order = sorted(cells, key=lambda cell: (-sum(counts[each] for each in cells[cell]), cell))
    chosen = [*flat, *(cells[cell][0] for cell in order)][:COLOURS]
    return np.array(chosen, dtype=np.int64)


def _in_colours(frame: npt.NDArray[np.uint8], palette: npt.NDArray[np.int64]) -> PIL.Image.Image:
    """A frame in the nearest colours of the palette."""
    import PIL.Image

    colours, where = np.unique(_packed(frame), return_inverse=True)
    apart = [((colours[:, None] >> shift & 255) - (palette[None, :] >> shift & 255)) ** 2 for shift in (16, 8, 0)]
    nearest = np.argmin(sum(apart), axis=1).astype(np.uint8)
    drawn = PIL.Image.fromarray(nearest[where].reshape(frame.shape[:2]), mode="P")
    drawn.putpalette(bytes(part for colour in palette.tolist() for part in colour.to_bytes(3, "big")))
    return drawn
