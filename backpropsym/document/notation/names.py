"""Names as mathematics: w11 as w with the index 11, alpha as the Greek letter, and no two names alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from backpropsym.document.notation.typst_names import WRAPPERS, string, typst_name
from backpropsym.document.notation.unicode_names import letters_of
from backpropsym.formula.letters import ACCENTS, GREEK, SUBSCRIPTS, accented
from backpropsym.graph.graph import Graph
from backpropsym.graph.name_parts import parts_of, patterns_of
from backpropsym.ops import registry  # noqa: F401  (the import registers the compositions)
from backpropsym.ops.function_table import FunctionTable

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LONGEST_WORD_BELOW = 3
_SHORT_WORDS = frozenset(("in", "is", "no", "on", "or", "to"))
_WIDE = {"hat": "widehat", "bar": "overline", "tilde": "widetilde"}
"""What stands above a whole word."""

_INDICES = re.compile(r"[i-t]{2}\Z")
_STANDARD = frozenset(("exp", "sin", "cos", "tanh", "max", "min"))


class Symbol(NamedTuple):
    """How one name is written in each syntax."""

    latex: str
    unicode: str
    ascii: str
    typst: str


def latex_name(name: str) -> str:
    """`name` in LaTeX's mathematics, such as w_{11} for w11; valid for every ASCII identifier."""
    return symbol(name).latex


def unicode_name(name: str) -> str:
    """`name` in Unicode, such as w₁₁ for w11; plain where Unicode lacks the letters."""
    return symbol(name).unicode


@lru_cache(maxsize=20_000)
def symbol(name: str) -> Symbol:
    """How `name` is written where no other name is near; an entry of a tensor is the tensor with its position."""
    if name.endswith("]"):
        head, _, position = name.partition("[")
        found, tail = symbol(head), f" [ {_apart(position.removesuffix(']'))} ]"
        latex, unicode, ascii = (f"{look}[{position}" for look in found[:3])
        return Symbol(latex, unicode, ascii, found.typst + tail)
    base, accent, below = parts_of(name)
    if not base:
        return plain(name)
    indices = _joined([*map(_latex_below, below)], below, ",", r"\ ")
    latex, typst = _latex_base(base), _typst_base(base)
    if accent:
        over = accent if len(base) == 1 or base in GREEK else _WIDE[accent]
        latex, typst = rf"\{over}{{{latex}}}", f"{WRAPPERS[over]}({typst})"
    if below:
        latex += f"_{{{indices}}}"
        typst += f"_({_joined([*map(_typst_below, below)], below, ' , ', ' space ')})"
    letter = GREEK.get(base, base)
    shown = accented(letter, accent) if accent and len(letter) == 1 else None if accent else letter
    subscripts = [_unicode_below(part) for part in below]
    if shown is None or None in subscripts or (len(letter) > 1 and any(not part.isdigit() for part in below)):
        greek = base in GREEK and not accent
        return Symbol(latex, "_".join([GREEK[base], *below]) if greek else name, name, typst)
    return Symbol(latex, shown + ",".join(filter(None, subscripts)), name, typst)


def plain(name: str) -> Symbol:
    """`name` letter by letter, upright."""
    escaped = name.replace("_", r"\_")
    return Symbol(rf"\mathrm{{{escaped}}}", name, name, f"upright({string(name)})")


def _latex_base(base: str) -> str:
    if base in GREEK:
        return rf"\{base}"
    return base if len(base) == 1 else plain(base).latex


def _latex_below(part: str) -> str:
    if part in GREEK:
        return rf"\{part}"
    return part if _are_indices(part) else rf"\mathrm{{{part}}}"


def _are_indices(part: str) -> bool:
    """Whether `part` is set in italics: a letter, a number, or a pair of letters that is no word."""
    return len(part) == 1 or part.isdigit() or (bool(_INDICES.match(part)) and part not in _SHORT_WORDS)


def _is_word(part: str) -> bool:
    return len(part) > 1 and part.isalpha() and part not in GREEK and not _INDICES.match(part)


def _joined(written: Sequence[str], parts: Sequence[str], comma: str, space: str) -> str:
    """Indices with commas between them, words with spaces."""
    words = any(map(_is_word, parts)) and all(_is_word(part) or part in _SHORT_WORDS for part in parts)
    return (space if words else comma).join(written)


def _typst_base(base: str) -> str:
    return GREEK.get(base, base if len(base) == 1 else plain(base).typst)


def _typst_below(part: str) -> str:
    if part in GREEK:
        return GREEK[part]
    if not _are_indices(part):
        return plain(part).typst
    return part if part.isdigit() else " ".join(part)


def _unicode_below(part: str) -> str | None:
    """`part` in subscript letters; None where they do not exist or a word would be hard to read."""
    if not part.isdigit() and len(part) > _LONGEST_WORD_BELOW:
        return None
    letters = [SUBSCRIPTS.get(letter) for letter in part]
    return None if None in letters else "".join(filter(None, letters))


class Notation:
    """How the names of one network are written; two different names never look the same.

    Names that would look alike (w11 and w_11, alpha1 and alpha_1) are all written letter by letter.

    Parameters
    ----------
    names : the names of the nodes.
    functions : the functions that formulas may call.
    derivatives : names that stand for d of / d by, as (of, by); they are written as that quotient. Where `of` or `by`
        is such a name too, the quotient is of higher order, or by a derivative.
    own : a person's own LaTeX of names and patterns of names, and how entries of tensors are written.
    """

    def __init__(
        self,
        names: Iterable[str],
        functions: FunctionTable | None = None,
        derivatives: Mapping[str, tuple[str, str]] | None = None,
        own: Mapping[str, Any] | None = None,
    ) -> None:
        self.table = functions if functions is not None else FunctionTable()
        self._own = dict(own or {})
        self._on_pages = False
        self._symbols = _distinct({name: self._look(name) for name in [*names, *self.table.own]})
        self._derivatives = dict(derivatives or {})
        self._adjoints: Mapping[str, str] = {}
        self._links: Collection[str] = ()
        self.entries = frozenset(name for name in self._symbols if "[" in name)
        self._own_looks = {look for name in self.table.own for look in self._symbols[name][:2]}

    @classmethod
    def of(cls, graph: Graph) -> Notation:
        """The notation of a graph's nodes and functions."""
        return cls(graph.nodes, graph.functions, graph.derivatives, own=graph.notation)

    @property
    def brackets(self) -> bool:
        """Whether entries of tensors are written W[i,j], and not with subscripts."""
        return self._own.get("entry-style") == "brackets"

    @property
    def first(self) -> int | None:
        """The position of the first entry as it is set; None where nobody says, which is 0."""
        return self._own.get("count-from")

    def counting_from(self, first: int) -> Notation:
        """The same notation, in which positions of entries count from `first`."""
        counting = Notation(
            [name for name in self._symbols if name not in self.table.own],
            self.table,
            self._derivatives,
            {**self._own, "count-from": first},
        )
        return counting.with_adjoints(self._adjoints)

    def _look(self, name: str) -> Symbol:
        """A name as a person wants it, else as everybody would write it; entries of tensors with their tensor."""
        head, bracket, rest = name.partition("[")
        found = symbol(head)
        own = self._own.get(head) or self._pattern(head)
        latex, typst = (own, typst_name(own)) if own else (found.latex, found.typst)
        accented_look = latex.startswith(tuple(rf"\{accent}{{" for accent in ACCENTS))
        unicode = (self._on_pages and (own or accented_look) and letters_of(latex)) or found.unicode
        if not bracket:
            return Symbol(latex, unicode, found.ascii, typst)
        start = self._own.get("count-from", 0)
        place = ",".join(
            str(int(part) + start) if part.isdigit() else part for part in rest.removesuffix("]").split(",")
        )
        entry = f"{unicode}[{place}]" if self._on_pages else symbol(name).unicode
        if self._own.get("entry-style") == "subscripts":
            inner = f"({latex})" if "_" in latex else latex
            inner_typst = f"( {typst} )" if "_" in latex else typst
            return Symbol(f"{inner}_{{{place}}}", entry, name, f"{inner_typst}_({_apart(place)})")
        return Symbol(f"{latex}[{place}]", entry, name, f"{typst} [ {_apart(place)} ]")

    def _pattern(self, name: str) -> str:
        """The LaTeX of a name by the pattern that it fits: w12 by "w##"."""
        for pattern, indices in patterns_of(name).items():
            if pattern in self._own:
                return _filled(str(self._own[pattern]), indices)
        return ""

    def with_derivatives(self, derivatives: Mapping[str, tuple[str, str]], on_links: Collection[str] = ()) -> Notation:
        """The same notation, in which further names stand for derivatives d of / d by.

        Parameters
        ----------
        on_links : those names that stand for the local derivative on a link, which other paths add to.
        """
        extended = Notation.__new__(Notation)
        known = {**self._derivatives, **derivatives}
        extended.__dict__.update(self.__dict__, _derivatives=known, _links={*self._links, *on_links})
        return extended

    def with_adjoints(self, adjoints: Mapping[str, str]) -> Notation:
        """The same notation, in which further names stand for the adjoints of nodes."""
        extended = Notation.__new__(Notation)
        extended.__dict__.update(self.__dict__, _adjoints={**self._adjoints, **adjoints})
        return extended

    def on_pages(self) -> Notation:
        """The same notation for text that stands beside pictures, in which Unicode has the person's own looks, too."""
        extended = Notation.__new__(Notation)
        extended.__dict__.update(self.__dict__, _on_pages=True)
        extended._symbols = _distinct({name: extended._look(name) for name in self._symbols})
        return extended

    def for_arguments(self) -> Notation:
        """The same notation of functions, in which names are those of arguments: the x of f(x) is no node x."""
        extended = Notation.__new__(Notation)
        plain_looks = {name: found if name in self.table.own else symbol(name) for name, found in self._symbols.items()}
        extended.__dict__.update(self.__dict__, _own={}, _symbols=plain_looks)
        return extended

    def latex(self, name: str) -> str:
        """A node in LaTeX's mathematics."""
        return self.symbol(name).latex

    def unicode(self, name: str) -> str:
        """A node in Unicode."""
        return self.symbol(name).unicode

    def symbol(self, name: str) -> Symbol:
        """A node in each medium; a name of no node, such as an index, as if it stood alone."""
        if name in self._derivatives:
            found = self.derivative(*self._derivatives[name], ascii_name=name)
            return _on_link(found) if name in self._links else found
        if name in self._adjoints:
            node = self.symbol(self._adjoints[name])
            return Symbol(rf"\delta_{{{node.latex}}}", f"δ_{node.unicode}", name, f"δ_({node.typst})")
        return self._symbols.get(name) or self._look(name)

    def derivative(self, of: str, by: str, ascii_name: str = "") -> Symbol:
        """The quotient d of / d by; of higher order where `of` is itself written as a derivative."""
        below = [by]
        while of in self._derivatives:
            of, inner = self._derivatives[of]
            below.append(inner)
        order = len(below)
        above, times = self.symbol(of), Counter(below)
        upper, sign, attached = _power(order)
        powers = [(self._variable(name), *_power(count)) for name, count in times.items()]
        latex = r" \, ".join(rf"\partial {part.latex}{raised}" for part, raised, _, _ in powers)
        typst = " thin ".join(f"∂{part.typst}{raised}" for part, _, _, raised in powers)
        divisor = "".join(f"d{self._variable(name).ascii}" for name in below)
        return Symbol(
            rf"\frac{{\partial{upper} {above.latex}}}{{{latex}}}",
            f"∂{sign}{above.unicode}/" + "".join(f"∂{part.unicode}{raised}" for part, _, raised, _ in powers),
            ascii_name or f"d{order if order > 1 else ''}{of}/{divisor}",
            f"(∂{attached}{' ' if attached else ''}{above.typst})/({typst})",
        )

    def _variable(self, name: str) -> Symbol:
        """A node as it is derived by: one that is written as a derivative stands in brackets, to end where it ends."""
        if name not in self._derivatives:
            return self.symbol(name)
        quotient = self.derivative(*self._derivatives[name])
        return Symbol(
            rf"\left({quotient.latex}\right)",
            f"({quotient.unicode})",
            f"({quotient.ascii})",
            f" ( {quotient.typst} )",
        )

    def stands_for_derivative(self, name: str) -> bool:
        """Whether `name` is written as a quotient d of / d by."""
        return name in self._derivatives

    def writes_e(self) -> bool:
        """Whether e stands for Euler's number, that is, for nothing in the network."""
        return "e" not in self._symbols

    def writes_pi(self) -> bool:
        """Whether the letter pi stands for the number, that is, for nothing in the network."""
        return "pi" not in self._symbols

    def function(self, name: str) -> Symbol:
        """A function in each medium; a derivative with its prime, and with the argument where there are several."""
        parent = self.table.parent(name)
        if parent is None:
            return self._function(name)
        base, entry = self.function(parent[0]), self.table[parent[0]]
        if len(entry.required) == 1 and parent[1] == entry.arguments[0]:
            return Symbol(f"{base.latex}'", f"{base.unicode}′".replace("′′", "″"), name, f"{base.typst}'")
        by = symbol(parent[1])
        below = _unicode_below(parent[1]) or f"_{by.unicode}"
        return Symbol(f"{base.latex}'_{{{by.latex}}}", f"{base.unicode}′{below}", name, f"{base.typst}'_({by.typst})")

    def _function(self, name: str) -> Symbol:
        if name in self.table.own:
            return _operator(name, self._symbols[name])
        entry = self.table.get(name)
        latex = entry.latex if entry else ""
        unicode = entry.unicode if entry else ""
        if {latex, unicode} & self._own_looks:
            latex = unicode = ""
        upright = _operator(name, plain(name))
        return Symbol(latex or upright.latex, unicode or name, name, typst_name(latex) if latex else upright.typst)


def _on_link(quotient: Symbol) -> Symbol:
    """A derivative told apart from the one that counts every path: that on a link alone."""
    latex, unicode, ascii, typst = quotient
    return Symbol(
        rf"\left({latex}\right)_{{\mathrm{{link}}}}", f"({unicode})_link", ascii, f'( {typst} )_(upright("link"))'
    )


def _power(count: int) -> tuple[str, str, str]:
    """The exponent of a differential in LaTeX, Unicode and Typst; nothing for the first power."""
    return (f"^{{{count}}}", str(count).translate(_RAISED), f"^({count})") if count > 1 else ("", "", "")


def _apart(place: str) -> str:
    """A position in Typst, its numbers with room between them."""
    return place.replace(",", " , ")


def _operator(name: str, looks: Symbol) -> Symbol:
    """`looks` as the name of a function in LaTeX: upright words get the spacing of operators."""
    if name in _STANDARD:
        return Symbol(rf"\{name}", looks.unicode, name, f"op({string(name)})")
    head, mark, rest = looks.latex.partition(r"\mathrm{")
    latex = rf"\operatorname{{{rest}" if mark and not head and len(name) > 1 else looks.latex
    typst = f"op({string(name)})" if latex != looks.latex else looks.typst
    return Symbol(latex, looks.unicode, name, typst)


def _filled(pattern: str, parts: Sequence[str]) -> str:
    """The LaTeX of a pattern with its indices put in: `#` is the first, `#2` the second."""
    return re.sub(r"#([1-9]?)", lambda match: _latex_below(parts[int(match[1] or 1) - 1]), pattern)


def _distinct(symbols: dict[str, Symbol]) -> dict[str, Symbol]:
    """A symbol for each name, written plainly where it would look like another one's."""
    while True:
        for medium in (0, 1):
            looks = Counter(found[medium] for found in symbols.values())
            alike = [name for name, found in symbols.items() if looks[found[medium]] > 1 and found != plain(name)]
            if alike:
                symbols.update((name, plain(name)) for name in alike)
                break
        else:
            return symbols
