"""A quiz as two sheets: the exercises, and their worked solutions."""

from __future__ import annotations

from backpropsym.document.derivation.conventions import fact_parts
from backpropsym.document.formats.text import blocks_text
from backpropsym.document.formulas import Formula, Joined, Line, Node
from backpropsym.document.model import Blocks, Display, Page, Sheet
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.unicode import AsciiWriter
from backpropsym.graph.graph import Role
from backpropsym.quiz.exercises import listed
from backpropsym.quiz.make import Quiz


def quiz_page(quiz: Quiz) -> Page:
    """`quiz` as a page of two sheets."""

    def sheets() -> tuple[Sheet, Sheet]:
        title = quiz.graph.title or "A network"
        numbered = [(f"{number}.", exercise) for number, exercise in enumerate(quiz.exercises, 1)]
        asked = (("", _network(quiz)), *((number, exercise.question()) for number, exercise in numbered))
        solved = tuple((number, exercise.solution()) for number, exercise in numbered)
        return Sheet(f"Exercises: {title}", asked), Sheet(f"Solutions: {title}", solved)

    return Page(Notation.of(quiz.graph), sheets, lambda: quiz_data(quiz))


def _network(quiz: Quiz) -> Blocks:
    """The formulas of the network, and what its functions are."""
    graph = quiz.graph
    formulas = {name: node.formula for name, node in graph.nodes.items() if node.formula is not None}
    known = fact_parts(graph, list(formulas))
    where: Line = ("with ", *listed(known), ". ") if known else ()
    parameters = graph.names(Role.PARAMETER)
    learned: Line = ("The parameters are ", *listed(map(Node, parameters)), ".") if parameters else ()
    equations = tuple(Joined((Node(name), Formula(formula))) for name, formula in formulas.items())
    return (f"Quiz {quiz.seed}. The network is",), Display(equations), (*where, *learned)


def quiz_data(quiz: Quiz) -> dict[str, object]:
    """The quiz as data: `title`, `seed`, `network` (formulas by node), and `exercises` of kind, question, solution."""
    writer = AsciiWriter(Notation.of(quiz.graph))
    nodes = quiz.graph.nodes.values()
    return {
        "title": quiz.graph.title,
        "seed": quiz.seed,
        "network": {node.name: writer.write(node.formula) for node in nodes if node.formula is not None},
        "exercises": [
            {
                "kind": exercise.kind,
                "question": blocks_text(exercise.question(), writer),
                "solution": blocks_text(exercise.solution(), writer).strip("\n"),
            }
            for exercise in quiz.exercises
        ],
    }
