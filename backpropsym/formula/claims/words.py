"""Words of a claim: letters in any alphabet or font, what stands above and below them, and entries of tensors."""

from __future__ import annotations

import re

from backpropsym.formula.claims.indices import shown
from backpropsym.formula.claims.names import Vocabulary
from backpropsym.formula.claims.scanner import BELOW, LETTERS, Scanner
from backpropsym.formula.letters import ACCENTS
from backpropsym.formula.tree import Add, Call, Div, Expr, Index, Limits, Name, Neg, number

WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
SAME_LETTERS = {"varphi": "phi", "varepsilon": "epsilon", "vartheta": "theta", "varsigma": "sigma"}
_LETTER = re.compile(r"[A-Za-z]")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_UPRIGHT = ("operatorname", "mathrm", "mathit", "mathbf", "mathsf", "mathtt", "text", "textrm", "bm", "boldsymbol")
_ACCENTS = {**dict(zip(ACCENTS, ACCENTS, strict=True)), "widehat": "hat", "overline": "bar", "widetilde": "tilde"}
_INSIDE = re.compile(r"\s*(?:[A-Za-z0-9]|\\?_)+\s*")
_BELOW = re.compile(f"[{''.join(BELOW)}]+")
_LAYER = re.compile(r"\^\{?\s*[(\[]\s*([A-Za-z0-9]{1,8})\s*[)\]]\s*\}?")
_ONE_BELOW = re.compile(r"_\s*([A-Za-z0-9])")
_BRACED_BELOW = re.compile(r"_\s*\{")
_FONT = re.compile(r"\\(?:mathrm|text|mathit|operatorname|[,;:! ])")
_PART = r"[+-]?(?:[A-Za-z]\w*|\d{1,9})"
_LONGEST = 200
_RUNNING = "_k"


class Words:
    """Reads words at the position of a scanner.

    Parameters
    ----------
    vocabulary : the nodes that words may name.
    """

    def __init__(self, scanner: Scanner, vocabulary: Vocabulary) -> None:
        self.scanner = scanner
        self.vocabulary = vocabulary

    def letters(self) -> str | None:
        """The letters of a name, in any alphabet or font."""
        scanner = self.scanner
        if scanner.peek() in LETTERS:
            scanner.position += 1
            return LETTERS[scanner.text[scanner.position - 1]]
        command = scanner.match(_COMMAND)
        if command is None:
            return scanner.match(WORD)
        word = command[1:]
        if word in _ACCENTS:
            return self._accented(command)
        if word not in _UPRIGHT:
            return SAME_LETTERS.get(word, word)
        scanner.expect("{", command)
        inner = scanner.match(_INSIDE)
        scanner.expect("}", command)
        return (inner or "").strip().replace("\\", "") or None

    def _accented(self, command: str) -> str | None:
        """The letters below an accent: in braces, or the one sign that follows."""
        braced = self.scanner.take("{")
        inner = self.letters() if braced or self.scanner.peek() == "\\" else self.scanner.match(_LETTER)
        if braced:
            self.scanner.expect("}", command)
        return f"{inner}_{_ACCENTS[command[1:]]}" if inner else None

    def marks(self) -> tuple[str, str | None]:
        """The layer above and the index below a name, in either order."""
        layer, below = "", None
        for _ in range(2):
            found = _LAYER.match(self.scanner.text, self.scanner.position)
            if found and not layer:
                layer, self.scanner.position = found.group(1), found.end()
            elif below is None:
                below = self.below()
        return layer, below

    def below(self) -> str | None:
        """The text of a subscript, fonts and spaces removed; None if there is no subscript."""
        scanner = self.scanner
        found = scanner.match(_BELOW)
        if found is not None:
            return "".join(BELOW[each] for each in found)
        scanner.skip()
        one = _ONE_BELOW.match(scanner.text, scanner.position)
        if one:
            scanner.position = one.end()
            return one.group(1)
        if not _BRACED_BELOW.match(scanner.text, scanner.position):
            return None
        start = scanner.text.index("{", scanner.position)
        end, level = start, 0
        for end in range(start, min(len(scanner.text), start + _LONGEST)):
            level += (scanner.text[end] == "{") - (scanner.text[end] == "}")
            if level == 0:
                break
        else:
            scanner.fail("a subscript that does not end", fix="close its brace")
        scanner.position = end + 1
        inner = _FONT.sub("", scanner.text[start + 1 : end])
        return re.sub(r"[{}\\\s]", "", inner)

    def tensor(self, word: str, layer: str, below: str | None) -> Expr | None:
        """An entry whose subscripts are written below: W_{2,0}, W^{(1)}_{ki}."""
        if below is None:
            return None
        parts = below.split(",") if "," in below else [below]
        for split in (parts, list(below) if "," not in below and below.isalnum() else parts):
            name = self.vocabulary.tensor(word, layer, len(split))
            if name is not None:
                return Index(Name(name), tuple(self._subscript(part) for part in split))
        return None

    def _subscript(self, text: str) -> Expr:
        """A position: a whole number, an index, or a sum of those."""
        terms: list[Expr] = []
        for sign, part in re.findall(r"([+-]?)([A-Za-z]\w*|\d{1,9})", text):
            self._check_position(part)
            leaf: Expr = number(int(part)) if part.isdigit() else Name(part)
            terms.append(Neg(leaf) if sign == "-" else leaf)
        if not terms or "".join(re.findall(_PART, text)) != text:
            self.scanner.fail(f"{text!r} is not a position", fix="write positions as in W[2,0] or W_{i,j}")
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def _check_position(self, part: str) -> None:
        """Refuse an array as a position."""
        shape = self.vocabulary.shapes.get(part)
        if shape:
            told = f"{part} is an array of shape ({shown(shape)}), and stands for a position"
            self.scanner.fail(told, fix="positions are whole numbers and indices, as in W[2,0] or W_{i,j}")

    def entry(self, name: str) -> Index:
        """The subscripts of a tensor."""
        rank = len(self.vocabulary.shapes[name])
        return Index(Name(name), self.subscripts(rank, f"{name} has {rank} axes", f"{name}[i,...]"))

    def subscripts(self, rank: int, has: str, usage: str) -> tuple[Expr, ...]:
        """As many positions as there are axes, in brackets or below."""
        if self.scanner.take("["):
            inner = self.scanner.match(re.compile(r"[^\[\]]{0,200}"))
            self.scanner.expect("]", "an entry")
        else:
            inner = self.below()
        parts = (inner or "").replace(" ", "").split(",")
        if len(parts) == 1 and len(parts[0]) == rank and parts[0].isalnum():
            parts = list(parts[0])
        if len(parts) != rank:
            self.scanner.fail(f"{has}, found {len(parts)} subscripts", fix=f"write {usage}")
        return tuple(map(self._subscript, parts))

    def of_positions(self, word: str) -> Expr | None:
        """What is written with positions: a Kronecker delta, or an entry of a softmax; None for any other word."""
        if word in self.vocabulary.shapes or not any(self.vocabulary.shapes.values()):
            return None
        if word == "KroneckerDelta" and self.scanner.take("("):
            inner = self.scanner.match(re.compile(r"[^()]{0,200}")) or ""
            self.scanner.expect(")", "a delta")
            parts = inner.replace(" ", "").split(",")
            if len(parts) != 2:
                self.scanner.fail(f"a delta of {len(parts)} positions", fix="write KroneckerDelta(i, k)")
            return Call("KroneckerDelta", tuple(map(self._subscript, parts)))
        if word == "delta" and self.scanner.peek() in ("[", "_", *BELOW):
            return Call("KroneckerDelta", self.subscripts(2, "a delta has two positions", "δ[i,k]"))
        return self._softmax() if word == "softmax" and self.scanner.take("(") else None

    def _softmax(self) -> Expr:
        """softmax(s)[i], its axis the last one of s."""
        options = self.vocabulary.nodes(self.letters() or "", *self.marks())
        name = options[0] if options else ""
        self.scanner.expect(")", "softmax")
        shape = self.vocabulary.shapes.get(name, ())
        if not shape or not isinstance(shape[-1], int):
            self.scanner.fail("softmax of what has no axes", fix="name a vector of the network: softmax(s)[i]")
        entry = self.entry(name)
        others = Index(entry.base, (*entry.subscripts[:-1], Name(_RUNNING)))
        whole = Call("sum", (Call("exp", (others,)), Limits(_RUNNING, number(0), number(shape[-1] - 1))))
        return Div(Call("exp", (entry,)), whole)
