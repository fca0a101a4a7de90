"""Themes by name, and themes of one's own: a small TOML file that changes a theme which is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from backpropsym.document.palette import PALETTE
from backpropsym.errors import NetworkError, Problem, UnknownNameError, did_you_mean
from backpropsym.picture.look.themes import THEMES, BoxStyle, Theme
from backpropsym.picture.scene import Role

MAX_BYTES = 100_000
COLOURS = (
    "background",
    "ink",
    "quiet",
    "link",
    "link_label",
    "adjoint",
    "cluster",
    "patch",
    "positive",
    "negative",
)
"""Keys whose values are colours."""

SIZES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "link_width": (0.2, 6.0),
        "box_width": (0.2, 8.0),
        "trail_width": (1.0, 12.0),
        "box_font": (8.0, 60.0),
        "label_font": (6.0, 60.0),
        "value_font": (6.0, 60.0),
        "legend_font": (6.0, 60.0),
        "tag_font": (6.0, 16.0),
        "note_font": (6.0, 60.0),
    }
)
"""Keys whose values are pixels, with the smallest and the largest."""

_KEYS = ("base", *COLOURS, *SIZES, "paths", "boxes")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")


class ThemeError(NetworkError):
    """A theme file is wrong: unknown keys, or values that are no colours and sizes."""


def read_theme(path: str, known: Mapping[str, Theme]) -> Theme:
    """The theme in a TOML file.

    Its key `base` names the theme that it changes (default: light). The keys of `COLOURS` take "#RRGGBB", those of
    `SIZES` pixels; `paths` is a list of up to eight colours for the first paths; a table `[boxes.input]` (or another
    role) takes `fill`, `outline` and `dash`.

    Raises
    ------
    ThemeError : the file cannot be read, or has mistakes; all of them.
    """
    data = _data(Path(path))
    base = data.get("base", "light")
    if not isinstance(base, str) or base not in known:
        fix = did_you_mean(str(base), known, f"choose one of {', '.join(known)}")
        raise ThemeError(f"{path}: there is no theme called {base!r} to start from", fix=fix)
    problems = [Problem(f"{path}: {message}", fix=fix) for message, fix in _mistakes(data)]
    if problems:
        raise ThemeError(problems)
    theme = known[base]
    changes: dict[str, Any] = {key: data[key].upper() for key in COLOURS if key in data}
    changes |= {key: float(data[key]) for key in SIZES if key in data}
    if "paths" in data:
        chosen = zip(PALETTE, data["paths"], strict=False)
        changes["substitutes"] = MappingProxyType({**theme.substitutes, **{old: new.upper() for old, new in chosen}})
    if "boxes" in data:
        styles = {role: _style(theme.boxes[role], data["boxes"][role]) for role in data["boxes"]}
        changes["boxes"] = MappingProxyType({**theme.boxes, **styles})
    return replace(theme, name=Path(path).stem, **changes)


def _data(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ThemeError(
                f"{path} has {path.stat().st_size:,} bytes", fix=f"a theme has at most {MAX_BYTES:,} bytes"
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ThemeError(f"cannot read {path}: {error.strerror}", fix="check the name of the file") from None
    except UnicodeDecodeError:
        raise ThemeError(f"{path} is not UTF-8 text", fix="save it as UTF-8") from None
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise ThemeError(f"{path} is not TOML: {error}", fix='write lines such as ink = "#1B2430"') from None


def _mistakes(data: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What is wrong, and the fix."""
    for key, value in data.items():
        if key not in _KEYS:
            yield f"{key} is not a key of a theme", did_you_mean(key, _KEYS, f"the keys are: {', '.join(_KEYS)}")
        elif key in COLOURS and not _is_colour(value):
            yield f"{key} is not a colour", f'write {key} = "#1B2430"'
        elif key in SIZES and not _is_size(value, SIZES[key]):
            low, high = SIZES[key]
            yield f"{key} is not a size from {low:g} to {high:g} pixels", f"write {key} = {(low * high) ** 0.5:.1f}"
        elif key == "paths" and not (
            isinstance(value, list) and len(value) <= len(PALETTE) and all(map(_is_colour, value))
        ):
            yield f"paths is not a list of at most {len(PALETTE)} colours", 'write paths = ["#D55E00", "#0072B2"]'
        elif key == "boxes":
            yield from _box_mistakes(value)


def _box_mistakes(value: object) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield "boxes is not a table", 'write a section such as [boxes.input] with fill = "#EEF1F5"'
        return
    for role, style in value.items():
        if role not in get_args(Role):
            roles = get_args(Role)
            yield f"there are no boxes called {role}", did_you_mean(role, roles, f"the roles are: {', '.join(roles)}")
        elif not isinstance(style, dict):
            yield f"boxes.{role} is not a table", f'write [boxes.{role}] and below it fill = "#EEF1F5"'
        else:
            for key, entry in style.items():
                if key not in ("fill", "outline", "dash"):
                    yield f"boxes.{role}.{key} is not known", "the keys are: fill, outline, dash"
                elif key == "dash" and not _is_dash(entry):
                    yield f"boxes.{role}.dash is no dash pattern", "write dash = [4, 3], in pixels"
                elif key != "dash" and not _is_colour(entry):
                    yield f"boxes.{role}.{key} is not a colour", f'write {key} = "#EEF1F5"'


def _style(style: BoxStyle, data: Mapping[str, Any]) -> BoxStyle:
    dash = tuple(float(value) for value in data.get("dash", style.dash))
    return BoxStyle(data.get("fill", style.fill).upper(), data.get("outline", style.outline).upper(), dash)


def _is_colour(value: object) -> bool:
    return isinstance(value, str) and bool(_COLOUR.match(value))


def _is_size(value: object, bounds: tuple[float, float]) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1]


def _is_dash(value: object) -> bool:
    return isinstance(value, list) and len(value) <= 6 and all(_is_size(each, (0.5, 50.0)) for each in value)


def theme(name: str) -> Theme:
    """The theme called `name`, or the one in the TOML file of that name.

    Raises
    ------
    UnknownNameError : no theme has that name.
    ThemeError : the file cannot be read, or has mistakes.
    """
    if name.endswith(".toml"):
        return read_theme(name, THEMES)
    if name not in THEMES:
        fix = did_you_mean(name, THEMES, f"choose one of {', '.join(THEMES)}, or give a file: --theme my.toml")
        raise UnknownNameError(f"there is no theme called {name!r}", fix=fix)
    return THEMES[name]
