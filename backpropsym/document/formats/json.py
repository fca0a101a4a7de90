"""Pages as JSON: the data that they were made of."""

from __future__ import annotations

from backpropsym.document.model import Page
from backpropsym.document.registry import Format, Layout, define
from backpropsym.document.writers.json_text import json_text


def data(page: Page, layout: Layout) -> str:
    """The data of `page`."""
    return json_text(page.data())


define(Format("json", (".json",), data))
