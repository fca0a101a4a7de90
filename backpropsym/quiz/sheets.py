"""A quiz as two sheets: the exercises, and their worked solutions."""

from __future__ import annotations

from backpropsym.document.derivation.conventions import facts
from backpropsym.document.writers.json_text import json_text
from backpropsym.errors import UnknownNameError
from backpropsym.graph.graph import Role
from backpropsym.quiz.exercise_writers import LatexPen, MarkdownPen, Pen, TextPen
from backpropsym.quiz.make import Quiz


def quiz_report(quiz: Quiz, medium: str = "text", ascii: bool = False) -> str:
    """`quiz` written for `medium`: text, markdown, latex (a document) or json.

    Raises
    ------
    UnknownNameError : no such medium.
    """
    match medium:
        case "json":
            return json_text(quiz_data(quiz))
        case "text":
            return _sheets(quiz, TextPen(quiz.graph, ascii))
        case "markdown":
            return _sheets(quiz, MarkdownPen(quiz.graph))
        case "latex":
            return _sheets(quiz, LatexPen(quiz.graph))
        case _:
            raise UnknownNameError(f"nothing is written as {medium!r}", fix="choose text, latex, markdown or json")


def _sheets(quiz: Quiz, pen: Pen) -> str:
    title = quiz.graph.title or "A network"
    asked = [("", _network(quiz, pen))]
    asked += [(f"{number}.", each.question(pen)) for number, each in enumerate(quiz.exercises, 1)]
    solved = [(f"{number}.", each.solution(pen)) for number, each in enumerate(quiz.exercises, 1)]
    first = pen.sheet(f"Exercises: {title}", asked, last=False)
    second = pen.sheet(f"Solutions: {title}", solved, last=True)
    return pen.document(title, first + second)


def _network(quiz: Quiz, pen: Pen) -> str:
    """The formulas of the network, and what its functions are."""
    graph, writer = quiz.graph, pen.writer
    inner = [node for node in graph.nodes.values() if node.formula is not None]
    lines = [f"{writer.name(node.name)} = {writer.write(node.formula)}" for node in inner if node.formula is not None]
    known = facts(graph, [node.name for node in inner], writer)
    where = [pen.words("with "), ", ".join(map(pen.math, known))] if known else []
    parameters = graph.names(Role.PARAMETER)
    learned = [pen.words("The parameters are "), pen.names(parameters), pen.words(".")] if parameters else []
    head = pen.words(f"Quiz {quiz.seed}. The network is")
    return head + pen.display(lines) + "".join([*where, pen.words(". ") if where else "", *learned])


def quiz_data(quiz: Quiz) -> dict[str, object]:
    """The quiz as data: `title`, `seed`, `network` (formulas by node), and `exercises` of kind, question, solution."""
    pen = TextPen(quiz.graph, ascii=True)
    nodes = quiz.graph.nodes.values()
    return {
        "title": quiz.graph.title,
        "seed": quiz.seed,
        "network": {node.name: pen.writer.write(node.formula) for node in nodes if node.formula is not None},
        "exercises": [
            {"kind": each.kind, "question": each.question(pen), "solution": each.solution(pen).strip("\n")}
            for each in quiz.exercises
        ],
    }
