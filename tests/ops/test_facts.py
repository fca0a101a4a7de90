"""The keywords with which entries are registered are the attributes of the entries."""

from dataclasses import fields

from backpropsym.ops.function import Facts, Function
from backpropsym.ops.lowering import Composition, CompositionFacts


def test_the_keywords_of_functions_are_the_attributes_of_functions() -> None:
    assert Facts.__annotations__.keys() == {field.name for field in fields(Function)} - {"name", "formula"}


def test_the_keywords_of_compositions_are_the_attributes_of_compositions() -> None:
    own = {"name", "signature", "compose"}
    assert CompositionFacts.__annotations__.keys() == {field.name for field in fields(Composition)} - own
