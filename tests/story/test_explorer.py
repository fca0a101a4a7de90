"""The page on which a network is explored, clicked through in a browser; its numbers against the kernels'."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.kernels.backends.javascript import script
from backpropsym.ops.function import FUNCTIONS
from backpropsym.story.explorer.explore import MOST_LINKS, MOST_VIEWS

LIT = (
    """() => [...document.querySelectorAll('.view:not([hidden]) .trail:not(.away)')].map(trail => trail.dataset.path)"""
)


@contextmanager
def opened(browser: Browser, text: str, folder: Path) -> Iterator[Page]:
    """A page in the browser; nothing on it may fail or be refused."""
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    complaints: list[str] = []
    context = browser.new_context(offline=True)
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    page = context.new_page()
    page.goto(path.as_uri())
    yield page
    assert complaints == []
    context.close()


def test_a_derivative_is_chosen_and_a_path_lit(browser: Browser, tmp_path: Path) -> None:
    net = bp.example("lecture")
    with opened(browser, net.explore().html, tmp_path) as page:
        for wrt in net.parameters:
            page.click(f"button[data-wrt={wrt}]")
            paths = ["-".join(path) for path in net.paths("a", wrt=wrt)]
            assert page.evaluate(LIT) == paths
            for number, path in enumerate(paths, 1):
                page.click(f".view:not([hidden]) button[data-path='{number}']")
                assert page.evaluate(LIT) == [path]
            page.click(".view:not([hidden]) button[data-path='']")
            assert page.evaluate(LIT) == paths
        assert page.url.endswith("#p21")


def test_numbers_follow_what_is_changed(browser: Browser, tmp_path: Path) -> None:
    net = bp.example("lecture")
    with opened(browser, net.explore("loss").html, tmp_path) as page:
        for changed in ({}, {"x1": -2.0}, {"w11": 3.0, "y": -1.0}):
            for name, value in changed.items():
                page.fill(f"input[data-leaf={name}]", str(value))
            value, gradients = bp.compile(net)(**{**net.values, **changed})
            assert float(page.inner_text("[data-node=loss]").replace("−", "-")) == pytest.approx(value, rel=1e-5)
            for name, gradient in gradients.items():
                told = page.inner_text(f"[data-gradient={name}]").replace("−", "-")
                assert float(told) == pytest.approx(gradient, rel=1e-5)
            page.click("#reset")
        page.fill("input[data-leaf=x1]", "")
        assert page.inner_text("[data-node=loss]") == page.inner_text("[data-gradient=w12]") == ""


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if not FUNCTIONS[name].abstract])
def test_every_function_computes_as_the_kernels_do(name: str, browser: Browser) -> None:
    arguments = [argument for argument in ("x", "u", "v")][: len(FUNCTIONS[name].required)]
    call = f"{name}({', '.join(arguments)})" if name != "where" else "where(x > u, u*v, v)"
    text = f'inputs = ["x", "u", "v"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "w*{call}"\n'
    net = bp.loads(text)
    source, kernel, numbers = script(net.graph, "a", ["w"]), bp.compile(net), random.Random(0)
    page = browser.new_page()
    for _ in range(12):
        given = {leaf: numbers.uniform(-3.0, 3.0) for leaf in ("x", "u", "v", "w")}
        value, gradients = kernel(**given)
        found = page.evaluate(f"given => {{ {source}; return network(given); }}", given)
        for exact, told in ((value, found["nodes"]["a"]), (gradients["w"], found["gradient"]["w"])):
            assert (math.isnan(exact) and math.isnan(told)) or told == pytest.approx(exact, rel=1e-12, abs=1e-14)
    page.close()


def test_erfc_far_out(browser: Browser) -> None:
    net = bp.loads('inputs = ["x"]\noutput = "a"\n[nodes]\na = "erfc(x)"')
    source = script(net.graph, "a", [])
    page = browser.new_page()
    for x in (-30.0, -6.0, -2.5, -2.4, -1e-9, 0.0, 0.5, 2.4999, 2.5, 3.0, 8.0, 26.0, 40.0):
        found = page.evaluate(f"given => {{ {source}; return network(given); }}", {"x": x})["nodes"]["a"]
        assert found == pytest.approx(math.erfc(x), rel=1e-12)
    page.close()


def test_words_of_javascript_are_names_like_others(browser: Browser, tmp_path: Path) -> None:
    text = 'inputs = ["var", "this"]\nparameters = ["let", "new"]\noutput = "const"\n[nodes]\n'
    text += 'function = "let*var + new*this"\nconst = "tanh(function)"\n'
    text += "[values]\nvar = 0.5\nthis = 2.0\nlet = 1.0\nnew = -1.0\n"
    net = bp.loads('title = "</script><b>x"\n' + text)
    html = net.explore().html
    assert "<b>" not in html
    with opened(browser, html, tmp_path) as page:
        assert float(page.inner_text("[data-node=const]").replace("−", "-")) == pytest.approx(math.tanh(-1.5), rel=1e-5)


@pytest.mark.parametrize(
    "source", ["abstract", "convolution", "x[3] -> dense(4, relu) -> dense(2) -> cross_entropy", "x[2] -> dense(3)"]
)
def test_without_numbers_there_are_pictures(source: str, browser: Browser, tmp_path: Path) -> None:
    net = bp.load(source)
    with opened(browser, net.explore().html, tmp_path) as page:
        assert page.query_selector("input") is None
        for wrt in net.parameters:
            page.click(f"button[data-wrt={wrt}]")
            assert page.evaluate(LIT)


def test_a_large_network_has_some_pictures_and_every_number(browser: Browser, tmp_path: Path) -> None:
    net = bp.example("deep")
    page = net.explore()
    links = sum(len(node.parents) for node in net.graph.nodes.values())
    assert 6 <= len(page.views) <= min(MOST_VIEWS, MOST_LINKS // links)
    assert f"Of 408 derivatives {len(page.views)} have a picture here." in page.note
    with opened(browser, page.html, tmp_path) as shown:
        assert shown.inner_text("[data-gradient=w3_16_1]") != ""


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    numbers = tmp_path / "at.toml"
    numbers.write_text("x1 = 1234567.25\n")
    done = CliRunner().invoke(
        app, ["explore", "lecture", "--of", "loss", "--at", str(numbers), "-o", str(tmp_path / "page.html")]
    )
    assert done.exit_code == 0, done.output
    text = (tmp_path / "page.html").read_text()
    assert 'data-leaf="x1" value="1234567.25"' in text
    assert "http://" not in text.replace("http://www.w3.org", "") and "https://" not in text
    leaf = CliRunner().invoke(app, ["explore", "lecture", "--of", "x1", "-o", str(tmp_path / "page.html")])
    assert leaf.exit_code == 2 and "has no derivatives to explore" in leaf.output
    wrong = CliRunner().invoke(app, ["explore", "lecture", "-o", str(tmp_path / "page.pdf")])
    assert wrong.exit_code == 2
    assert json.dumps(".html")[1:-1] in wrong.output
