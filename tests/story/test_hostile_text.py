"""A title, a name or a label is text in every format: what is written has the structure that a plain one gives it."""

from __future__ import annotations

import ast
import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from backpropsym.cli.app import app
from backpropsym.picture.drawing import FORMATS, Drawing
from backpropsym.picture.scene import Box, Cluster, HighlightedPath, Link, LinkId, Scene
from tests.hostile import TEXTS

DRAWN = {"defs", "g", "line", "path", "polygon", "rect", "symbol", "text", "title", "tspan", "use"}
"""Elements of SVG that do nothing but show: how many there are depends on the letters of a text."""


class Tags(HTMLParser):
    """The tags of a page with the names of their attributes, without those that only draw."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        keys = [key for key, _ in attrs]
        assert not [key for key in keys if key.startswith("on")]
        assert all((value or "").startswith("#") for key, value in attrs if key.endswith(("href", "src")))
        if tag not in DRAWN:
            self.tags.append(" ".join([tag, *keys]))


def page(data: bytes) -> object:
    reader = Tags()
    reader.feed(data.decode())
    return reader.tags


def xml(data: bytes) -> object:
    ElementTree.fromstring(data)
    return page(data)


def dot(data: bytes) -> object:
    """What Graphviz reads: how many nodes and edges, and which attributes they have; no label may be HTML."""
    text = data.decode()
    if shutil.which("dot") is None:
        return [re.sub(r'"(?:[^"\\]|\\.)*"', '""', line) for line in text.splitlines()]
    read = subprocess.run(["dot", "-Tcanon"], input=data, capture_output=True, check=True)
    assert b"=<" not in re.sub(rb'"(?:[^"\\]|\\.)*"', b'""', read.stdout)
    graph = json.loads(subprocess.run(["dot", "-Tdot_json"], input=data, capture_output=True, check=True).stdout)
    return [sorted(part) for part in (graph, *graph["objects"], *graph["edges"])]


def mermaid(data: bytes) -> object:
    """Each line without its quoted text, which holds no quotation mark."""
    lines = data.decode().splitlines()
    assert all(line.count('"') % 2 == 0 for line in lines)
    return [re.sub(r'"[^"]*"', '""', line) for line in lines]


def markdown(data: bytes) -> object:
    """The blocks and marks that a reader of Markdown finds; raw HTML is none of them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(data.decode())
    inner = [part for token in tokens for part in (token, *(token.children or ()))]
    assert not [part for part in inner if part.type.startswith("html")]
    return [part.type for part in inner if part.type not in ("text", "softbreak", "text_special")]


def tex(data: bytes) -> object:
    """The commands, without those that stand for characters, and how deep the braces go at each."""
    text = re.sub(r"(?<!\\)%.*", "", data.decode())
    text = re.sub(r"\\(text(backslash|asciicircum|asciitilde|less|greater|bar|asciigrave)\{\}|bpCyrillic\b)", "", text)
    assert text.replace(r"\{", "").count("{") == text.replace(r"\}", "").count("}")
    return re.findall(r"\\[A-Za-z]+", text)


def python(data: bytes) -> object:
    """The module without its docstrings."""
    tree = ast.parse(data)
    for part in ast.walk(tree):
        if isinstance(part, ast.Module | ast.FunctionDef) and ast.get_docstring(part) is not None:
            del part.body[0]
    return ast.dump(tree)


def keys(data: bytes) -> object:
    """What is in JSON besides texts."""

    def shape(part: object) -> object:
        if isinstance(part, dict):
            return {key: shape(value) for key, value in part.items()}
        return list(map(shape, part)) if isinstance(part, list) else type(part).__name__

    return shape(json.loads(data))


def typst(data: bytes) -> object:
    """The text without the title, which is quoted."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', data.decode())


def parts(data: bytes) -> object:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith((".xml", ".rels"))]
        return [(name, xml(archive.read(name))) for name in names]


def printed(data: bytes) -> object:
    """How many lines; no character of a terminal's commands."""
    text = data.decode()
    assert all(character.isprintable() or character == "\n" for character in text)
    return text.count("\n")


STRUCTURE: dict[str, Callable[[bytes], object]] = {
    ".svg": xml,
    ".html": page,
    ".dot": dot,
    ".mmd": mermaid,
    ".md": markdown,
    ".tex": tex,
    ".json": keys,
    ".py": python,
    ".typ": typst,
    ".pptx": parts,
    ".txt": printed,
    ".png": lambda data: data[:8],
    ".pdf": lambda data: data[:8],
}


def scene(text: str) -> Scene:
    """A picture in which everything that a person can name is called `text`."""
    boxes = (
        Box("a", 0, "a", text, "input", about=text),
        Box("b", 1, "b", text, "value", about=text),
        Box("c", 2, "c", text, "output"),
    )
    links = (Link("a", "b", "w", text), Link("b", "c", "v", text))
    lit = (LinkId("a", "b"), LinkId("b", "c"))
    return Scene(
        text,
        text,
        boxes,
        links,
        (HighlightedPath(1, (text, text), lit, "w", text),),
        clusters=(Cluster("l", text, ("b",)),),
    )


@cache
def plain_picture(suffix: str) -> object:
    return STRUCTURE[suffix](FORMATS[suffix](Drawing(scene("plain"))))


@pytest.mark.parametrize("suffix", [suffix for suffix in FORMATS if suffix not in (".png", ".pdf")])
@pytest.mark.parametrize("text", TEXTS)
def test_every_name_in_a_picture_is_text(text: str, suffix: str) -> None:
    assert STRUCTURE[suffix](FORMATS[suffix](Drawing(scene(text)))) == plain_picture(suffix)


WRITTEN = (
    *((suffix, "draw", "--wrt", "w") for suffix in (".svg", ".html", ".dot", ".mmd", ".md", ".tex")),
    *((suffix, "slides", "--wrt", "w") for suffix in (".svg", ".html", ".tex", ".pptx")),
    *((suffix, "handout") for suffix in (".html", ".md", ".tex")),
    *((suffix, "derive", "--wrt", "w") for suffix in (".txt", ".tex", ".md", ".typ", ".json")),
    *((suffix, command) for suffix in (".tex", ".md", ".json") for command in ("trace", "jacobian", "quiz")),
    *((suffix, "wiggle") for suffix in (".dot", ".txt", ".md", ".json")),
    (".tex", "latex", "--wrt", "w", "--standalone"),
    (".html", "explore"),
    (".py", "kernel"),
)


def written(title: str, suffix: str, command: tuple[str, ...], folder: Path) -> object:
    """The structure of the file that a command makes of a network with this title."""
    network, output = folder / "network.toml", folder / f"output{suffix}"
    network.write_text(
        f"title = {json.dumps(title)}\ninputs = ['x']\nparameters = ['w']\noutput = 'a'\nloss = 'a**2'\n"
        "[nodes]\na = 'tanh(w*x)'\n[values]\nx = 1.0\nw = 0.5\n"
    )
    name, *options = command
    done = CliRunner().invoke(app, [name, str(network), *options, "-o", str(output)])
    assert done.exit_code == 0, done.output
    return STRUCTURE[suffix](output.read_bytes())


@pytest.mark.parametrize("title", [TEXTS[0], TEXTS[1], "\n".join(TEXTS)], ids=["label", "script", "all"])
@pytest.mark.parametrize(("suffix", "command"), [(suffix, tuple(command)) for suffix, *command in WRITTEN])
def test_a_title_is_text_in_every_file(title: str, suffix: str, command: tuple[str, ...], tmp_path: Path) -> None:
    plain = "сеть, a plain title" if "Сеть" in title else "a plain title"
    assert written(title, suffix, command, tmp_path) == written(plain, suffix, command, tmp_path)
