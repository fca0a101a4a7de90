"""The options of a call are named twice: where they are taken, and as the keywords that are passed on to there."""

import inspect
from dataclasses import fields

import pytest

from backpropsym.checks.check import CheckOptions, check_graph
from backpropsym.kernels.api.compile import CompileOptions, compile_kernel
from backpropsym.network import Network
from backpropsym.picture.options import DrawOptions, Options


def test_the_keywords_of_a_picture_are_the_attributes_of_its_options() -> None:
    assert DrawOptions.__annotations__.keys() == {field.name for field in fields(Options)}


@pytest.mark.parametrize(
    ("options", "function", "own"),
    [
        (CheckOptions, check_graph, {"graph", "samples", "seed", "local", "others"}),
        (CompileOptions, compile_kernel, {"graph", "mode"}),
        (CompileOptions, Network.compile, {"self", "mode"}),
    ],
)
def test_keywords_are_the_parameters_of_the_function_they_are_passed_to(
    options: type, function: object, own: set[str]
) -> None:
    parameters = inspect.signature(function).parameters
    assert set(options.__annotations__) == parameters.keys() - own
