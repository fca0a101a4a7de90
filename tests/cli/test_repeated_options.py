"""An option that a command takes once is refused where it is given twice; the parser would keep the last one only."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.core import TyperOption
from typer.testing import CliRunner

from backpropsym.cli.app import app
from backpropsym.errors import OptionError

GROUP: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = GROUP.commands
WORDS = {
    "form": "paths",
    "engine": "numpy",
    "level": "neurons",
    "mode": "reverse",
    "by": "share",
    "layout": "columns",
    "width": "weight",
    "frames_as": "svg",
    "order": "reverse",
    "kind": "derive",
    "count_from": "1",
}
"""A value for each option that takes words; 3 is one for all others."""


def options() -> list[tuple[str, Any]]:
    """Every option of every command that takes a value, with the command's name."""
    return [
        (name, option)
        for name, command in COMMANDS.items()
        for option in command.params
        if isinstance(option, TyperOption) and not option.is_flag
    ]


def parsed(command: str, *given: str) -> Any:
    """What the parser makes of a call with all that the command requires, and no more than that of it is run."""
    required = [
        part
        for entry in COMMANDS[command].params
        if entry.required and not set(entry.opts) & set(given)
        for part in ((entry.opts[0], WORDS.get(entry.name, "3")) if isinstance(entry, TyperOption) else ("lecture",))
    ]
    context = typer.Context(GROUP, info_name="backpropsym")
    return COMMANDS[command].make_context(command, [*required, *given], parent=context)


@pytest.mark.parametrize(("command", "option"), options(), ids=lambda each: getattr(each, "name", each))
def test_each_option_is_taken_several_times_or_refused(command: str, option: Any) -> None:
    name, given = max(option.opts, key=len), WORDS.get(option.name, "3")
    for spelling in option.opts:
        twice = (name, given, spelling, given)
        if option.multiple:
            assert len(parsed(command, *twice).params[option.name]) == 2
        else:
            with pytest.raises(OptionError, match=f"{name} is given 2 times, and {command} takes one"):
                parsed(command, *twice)


def test_there_are_options_of_both_kinds() -> None:
    several = {(command, option.name) for command, option in options() if option.multiple}
    assert {("derive", "wrt"), ("jacobian", "of"), ("quiz", "kind")} <= several
    assert len(options()) > 100 > len(several)


@pytest.mark.parametrize("command", ["draw", "paths", "latex", "slides", "handout", "verify"])
def test_a_second_wrt_is_told_which_commands_take_it(command: str) -> None:
    with pytest.raises(OptionError) as raised:
        parsed(command, "--wrt", "w11", "--wrt=w12")
    text = str(raised.value)
    assert "several are taken by derive: " in text
    assert "a derivative of higher order" in text
    assert "hessian" in text


def test_where_no_command_takes_several_none_is_named() -> None:
    with pytest.raises(OptionError) as raised:
        parsed("derive", "--wrt", "w11", "--form", "paths", "--form", "numeric")
    assert str(raised.value) == "error: --form is given 2 times, and derive takes one\n  fix: give --form once"


def test_the_program_ends_with_the_message_and_two() -> None:
    found = CliRunner().invoke(app, ["derive", "lecture", "--wrt", "w11", "--at", "a.toml", "--at", "b.toml"])
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.startswith("error: --at is given 2 times")


def test_help_and_repeated_flags_are_answered() -> None:
    assert CliRunner().invoke(app, ["draw", "lecture", "--wrt", "w11", "--wrt", "w12", "--help"]).exit_code == 0
    assert CliRunner().invoke(app, ["derive", "lecture", "--wrt", "w11", "--json", "--json"]).exit_code == 0
