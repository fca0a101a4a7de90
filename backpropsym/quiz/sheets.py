"""A quiz as two sheets: the exercises, and their worked solutions."""

from __future__ import annotations

from backpropsym.document.derivation.conventions import facts
from backpropsym.document.writers.json_text import json_text
from backpropsym.errors import UnknownNameError
from backpropsym.graph.graph import Role
from backpropsym.quiz.exercise_writers import (
    ExerciseWriter,
    LatexExerciseWriter,
    MarkdownExerciseWriter,
    TextExerciseWriter,
)
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
            return _sheets(quiz, TextExerciseWriter(quiz.graph, ascii))
        case "markdown":
            return _sheets(quiz, MarkdownExerciseWriter(quiz.graph))
        case "latex":
            return _sheets(quiz, LatexExerciseWriter(quiz.graph))
        case _:
            raise UnknownNameError(f"nothing is written as {medium!r}", fix="choose text, latex, markdown or json")


def _sheets(quiz: Quiz, writer: ExerciseWriter) -> str:
    title = quiz.graph.title or "A network"
    asked = [("", _network(quiz, writer))]
    asked += [(f"{number}.", each.question(writer)) for number, each in enumerate(quiz.exercises, 1)]
    solved = [(f"{number}.", each.solution(writer)) for number, each in enumerate(quiz.exercises, 1)]
    first = writer.sheet(f"Exercises: {title}", asked, last=False)
    second = writer.sheet(f"Solutions: {title}", solved, last=True)
    return writer.document(title, first + second)


def _network(quiz: Quiz, writer: ExerciseWriter) -> str:
    """The formulas of the network, and what its functions are."""
    graph, formulas = quiz.graph, writer.formulas
    inner = [node for node in graph.nodes.values() if node.formula is not None]
    lines = [
        f"{formulas.name(node.name)} = {formulas.write(node.formula)}" for node in inner if node.formula is not None
    ]
    known = facts(graph, [node.name for node in inner], formulas)
    where = [writer.words("with "), ", ".join(map(writer.math, known))] if known else []
    parameters = graph.names(Role.PARAMETER)
    learned = [writer.words("The parameters are "), writer.names(parameters), writer.words(".")] if parameters else []
    head = writer.words(f"Quiz {quiz.seed}. The network is")
    return head + writer.display(lines) + "".join([*where, writer.words(". ") if where else "", *learned])


def quiz_data(quiz: Quiz) -> dict[str, object]:
    """The quiz as data: `title`, `seed`, `network` (formulas by node), and `exercises` of kind, question, solution."""
    writer = TextExerciseWriter(quiz.graph, ascii=True)
    nodes = quiz.graph.nodes.values()
    return {
        "title": quiz.graph.title,
        "seed": quiz.seed,
        "network": {node.name: writer.formulas.write(node.formula) for node in nodes if node.formula is not None},
        "exercises": [
            {
                "kind": exercise.kind,
                "question": exercise.question(writer),
                "solution": exercise.solution(writer).strip("\n"),
            }
            for exercise in quiz.exercises
        ],
    }
