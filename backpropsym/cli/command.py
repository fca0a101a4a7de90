"""A command as the program runs it: help that lists what the registries hold, and no option dropped in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from typer.core import TyperCommand, TyperOption

from backpropsym.cli.registries import filled
from backpropsym.errors import OptionError, ValuesError


class Command(TyperCommand):
    """A command whose help lists what the registries hold, and that refuses an option given twice if it takes one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments.

        Raises
        ------
        OptionError : an option of which the command takes one is given several times.
        """
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        rest = super().parse_args(ctx, args)  # before anything is refused, so that --help is answered
        if not ctx.resilient_parsing:
            _refuse_repeated(given, ctx.info_name, getattr(ctx.find_root().command, "commands", {}))
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; where numbers are missing, the error says how this command takes them."""
        try:
            return super().invoke(ctx)
        except ValuesError as error:
            options = {spelling for option in self.params for spelling in option.opts}
            problems = [replace(each, fix=_advice(each.fix, options, ctx.params)) for each in error.problems]
            raise type(error)(problems) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        self.help = filled(self.help or "")
        for parameter in self.params:
            for attribute, joint in (("help", ", "), ("metavar", "|")):
                text = getattr(parameter, attribute, None)
                if text:
                    setattr(parameter, attribute, filled(text, joint))
        super().format_help(ctx, formatter)


def _advice(fix: str | None, options: Collection[str], given: Mapping[str, Any]) -> str | None:
    """A fix that says where numbers are given, with the places that a command with these options has."""
    from backpropsym.evaluate.given_numbers import OWN_VALUES, PLACES
    from backpropsym.spec.source import is_architecture

    if fix is None:
        return None
    of_layers = is_architecture(str(given.get("network", "")))
    if PLACES not in fix:
        return fix.replace(f", or {OWN_VALUES}", "") if of_layers else fix
    places = (["in a file with --at"] if "--at" in options else []) + ([] if of_layers else [OWN_VALUES])
    drawn = "; or draw them: --init 0" if "--init" in options else ""
    return fix.replace(PLACES, " or ".join(places) or "in [values] of a network file") + drawn


def _refuse_repeated(given: Iterable[object], command: str, commands: Mapping[str, Any]) -> None:
    """Refuse what is given several times and taken once; flags may be repeated, for they say the same again.

    Parameters
    ----------
    given : the parameters in the order of the command line, one as often as it stands there.
    commands : all commands by name, some of which may take several of the same option.

    Raises
    ------
    OptionError : the first that is repeated.
    """
    counts = Counter(option for option in given if isinstance(option, TyperOption))
    for option, count in counts.items():
        if count > 1 and not (option.multiple or option.is_flag):
            name = next(name for name in option.opts if name.startswith("--"))
            takers = _takers(name, commands)
            raise OptionError(
                f"{name} is given {count} times, and {command} takes one",
                details=[f"several are taken by {', '.join(names)}: {text}" for text, names in takers.items()],
                fix=f"give {name} once" + (", or all of them to a command that takes several" if takers else ""),
            )


def _takers(name: str, commands: Mapping[str, Any]) -> dict[str, list[str]]:
    """The commands that take several of an option, by what their help says of it."""
    found: dict[str, list[str]] = {}
    for command, entry in commands.items():
        for option in entry.params:
            if isinstance(option, TyperOption) and option.multiple and name in option.opts:
                found.setdefault(filled(option.help or ""), []).append(command)
    return found
