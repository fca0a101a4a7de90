"""Products of two operands as matrix products: which axes are rows and columns, and what must be copied for that.

BLAS is slowest where the right matrix is read by columns and large, so the larger one goes to the left; and it packs
operands before it multiplies unless the product is small, so that long thin products are computed in blocks.

References
----------
Goto and van de Geijn, Anatomy of high-performance matrix multiplication, ACM Transactions on Mathematical Software 34,
2008: what packing costs.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backpropsym.kernels.backends.numpy.storage import Layout, entries_source
from backpropsym.kernels.backends.numpy.writer import ArrayWriter
from backpropsym.kernels.ir.array_operations import BATCH, LONG_SUM, Product, Reduce, nominal
from backpropsym.kernels.runtime.array_statements import block_of_product
from backpropsym.ops.sizes import Dimension

Letters = tuple[str, ...]
_TURNED_OFTEN = 4
"""A matrix that so many products read by columns is copied once instead."""
_SHORT_ROW, _SHORT_COST = 16, 4
"""Rows shorter than that cost so many times their entries, in entries that are read by columns."""
_LONG_BATCH = 64
"""How many times longer than its nominal length a batch is expected to be now and then."""
_MOVED = 2
"""What a copied entry of a result costs, in entries of a right operand that are read by columns."""


@dataclass(frozen=True)
class _Operand:
    """An operand of a product: its source, the letters of its axes, how it lies in memory, and its value if any."""

    text: str
    letters: str
    layout: Layout | None
    entries: int
    position: int = -1

    def memory(self, chosen: str) -> str:
        """Those of the letters `chosen` that the operand has, in the order in memory."""
        order = range(len(self.letters)) if self.layout is None else self.layout.order
        return "".join(self.letters[axis] for axis in order if self.letters[axis] in chosen)

    def fits(self, stack: str, first: str, second: str) -> bool:
        """Whether `first` and `second` can each be one axis without a copy, and the product can run along one."""
        if self.layout is None or not self.layout.unit:
            return False
        whole = self.memory(self.letters)
        merged = [group for group in (first, second) if len(group) > 1]
        if merged and not (self.layout.dense and all(group in whole for group in merged)):
            return False
        last = whole[-1:]
        return not stack or last in first[-1:] + second[-1:]

    def lies(self, first: str, second: str) -> bool:
        """Whether the axes `first` come before `second` in memory, as in a matrix that is read by rows."""
        return self.memory(first + second).startswith(first)


@dataclass(frozen=True)
class _Roles:
    """Letters by what they are: in a stack of products, summed, rows from the left operand, columns from the right."""

    stack: str
    summed: str
    rows: str
    columns: str


def write_product(writer: ArrayWriter, position: int, operation: Product) -> None:
    """A matrix product where there is one, else einsum."""
    groups = operation.groups
    operands = [
        _Operand(writer.text(each), letters, writer.layouts.get(each), nominal(writer.shape(each)), each)
        for each, letters in zip(writer.items[position].operands, groups, strict=True)
    ]
    repeated = any(len(set(letters)) < len(letters) for letters in groups)
    sizes = {
        letter: size
        for letters, each in zip(groups, writer.items[position].operands, strict=True)
        for letter, size in zip(letters, writer.shape(each), strict=True)
    }
    alike = len(groups) == 2 and groups[0] == groups[1] and not repeated
    if alike and _write_pairs(writer, position, operands, operation.output, sizes):
        return
    if len(groups) != 2 or repeated or set(groups[0]) == set(groups[1]):
        _write_einsum(writer, position, operation, operands)
        return
    left, right = operands
    roles = _Roles(
        stack="".join(x for x in left.letters if x in right.letters and x in operation.output),
        summed="".join(x for x in left.letters if x in right.letters and x not in operation.output),
        rows=left.memory("".join(set(left.letters) - set(right.letters))),
        columns=right.memory("".join(set(right.letters) - set(left.letters))),
    )
    _Matrices(writer, position, operation, (left, right), roles, sizes).write()


def written_as_product(writer: ArrayWriter, position: int, operation: Reduce) -> bool:
    """A long sum as a product with ones, which BLAS has sooner; False where entries would have to be copied."""
    operand = writer.items[position].operands[0]
    shape, letters = writer.shape(operand), string.ascii_lowercase[: len(writer.shape(operand))]
    output = "".join(letter for axis, letter in enumerate(letters) if axis not in operation.axes)
    summed = tuple(shape[axis] for axis in operation.axes)
    if operation.function != "sum" or operation.keep or (BATCH not in summed and nominal(summed) < LONG_SUM):
        return False
    right = _Operand(writer.text(operand), letters, writer.layouts.get(operand), nominal(shape))
    return _summed_by_ones(writer, position, right, output, dict(zip(letters, shape, strict=True)))


def _summed_by_ones(
    writer: ArrayWriter, position: int, right: _Operand, output: str, sizes: Mapping[str, Dimension]
) -> bool:
    """A sum over the axes that are not in `output`; False where it would be over all, or entries must be copied."""
    summed = right.memory("".join(letter for letter in right.letters if letter not in output))
    columns = right.memory(output)
    if not output or not right.fits("", summed, columns):
        return False
    ones = tuple(sizes[letter] for letter in summed)
    order = tuple(range(len(ones)))
    left = _Operand(writer.storage.constant("1.0", ones, order), summed, Layout(order), nominal(ones))
    operation = Product(writer.shape(position), (summed, right.letters), output)
    _Matrices(writer, position, operation, (left, right), _Roles("", summed, "", columns), sizes).write()
    return True


def _write_pairs(
    writer: ArrayWriter, position: int, operands: Sequence[_Operand], output: str, sizes: Mapping[str, Dimension]
) -> bool:
    """A sum of products entry by entry as one product of all entries and a sum; False where that does not do."""
    left, right = operands
    if left.layout is None or left.layout != right.layout or not left.layout.dense or not left.layout.unit:
        return False
    summed = left.memory("".join(letter for letter in left.letters if letter not in output))
    if not output or not left.fits("", summed, left.memory(output)):
        return False
    whole = writer.scratch(tuple(sizes[letter] for letter in left.letters), left.layout.order)
    writer.lines.append(f"_np.multiply({left.text}, {right.text}, out={whole})")
    return _summed_by_ones(writer, position, _Operand(whole, left.letters, left.layout, left.entries), output, sizes)


def _write_einsum(writer: ArrayWriter, position: int, operation: Product, operands: Sequence[_Operand]) -> None:
    listed = ", ".join(operand.text for operand in operands)
    text = f'_np.einsum("{",".join(operation.groups)}->{operation.output}", {listed}'
    if not operation.shape:
        writer.assign(position, f"{text})")
        return
    first = max(operands, key=lambda each: each.entries)
    kept = first.memory(operation.output)
    order = tuple(operation.output.index(letter) for letter in kept)
    plain = tuple(range(len(operation.output)))
    out = writer.fresh(position, order if len(order) == len(plain) else plain)
    writer.assign(position, f"{text}, out={out})")


class _Matrices:
    """One product of two operands as a matrix product, or as a stack of them."""

    def __init__(
        self,
        writer: ArrayWriter,
        position: int,
        operation: Product,
        operands: tuple[_Operand, _Operand],
        roles: _Roles,
        sizes: Mapping[str, Dimension],
    ) -> None:
        self.writer = writer
        self.position = position
        self.operation = operation
        self.left, self.right = operands
        self.roles = roles
        self.sizes = sizes

    def write(self) -> None:
        """The statements."""
        summed = self._summed_order()
        stack, rows, columns = self.roles.stack, self.roles.rows, self.roles.columns
        columns_first = self._columns_first(summed)
        self._read_by_rows(summed, columns_first)
        left = self._matrix(self.left, rows, summed)
        right = self._matrix(self.right, summed, columns)
        if columns_first:
            left, right = self._transposed(right, columns), self._transposed(left, rows)
            rows, columns = columns, rows
        out, rename = self._result(stack, rows, columns)
        if not self.operation.shape:
            self.writer.assign(self.position, f"_np.matmul({left}, {right})")
            return
        turned = (self.left if columns_first else self.right).lies(columns, summed)
        blocks = self._is_long(turned, rows, summed, columns)
        call = f"_in_blocks({left}, {right}, {out})" if blocks else f"_np.matmul({left}, {right}, out={out})"
        if rename is None:
            self.writer.assign(self.position, call)
        else:
            self.writer.lines.append(call)
            self.writer.assign(self.position, rename)

    def _is_long(self, turned: bool, *groups: str) -> bool:
        """Whether a product without a stack may be so long along one axis that blocks of it are small products."""
        if self.roles.stack or not all(groups):
            return False
        shapes = [tuple(self.sizes[letter] for letter in group) for group in groups]
        times = [_LONG_BATCH if BATCH in shape else 1 for shape in shapes]
        usual = [nominal(shape) for shape in shapes]
        long = [size * factor for size, factor in zip(usual, times, strict=True)]
        return any(block_of_product(each[0], each[1], each[2], turned)[1] for each in (usual, long))

    def _summed_order(self) -> str:
        """The order of the summed letters for which the fewest entries must be copied."""
        roles = self.roles
        candidates = dict.fromkeys((self.left.memory(roles.summed), self.right.memory(roles.summed)))

        def copied(summed: str) -> int:
            pairs = ((self.left, roles.rows), (self.right, roles.columns))
            return sum(each.entries for each, own in pairs if not each.fits(roles.stack, own, summed))

        return min(candidates, key=copied)

    def _matrix(self, operand: _Operand, first: str, second: str) -> str:
        """An operand as a matrix of `first` by `second`, in a stack where there is one."""
        own, summed = (first, second) if operand is self.left else (second, first)
        if not operand.fits(self.roles.stack, own, summed):
            operand = self._copied(operand, first + second)
        return self._viewed(operand, first, second)

    def _copied(self, operand: _Operand, letters: str) -> _Operand:
        """The operand with its entries in another order, for the time of the product."""
        whole = self.roles.stack + letters
        order = tuple(operand.letters.index(letter) for letter in whole)
        shape = tuple(self.sizes[letter] for letter in operand.letters)
        copy = self.writer.scratch(shape, order)
        self.writer.lines.append(f"_np.copyto({copy}, {operand.text})")
        return _Operand(copy, operand.letters, Layout(order), operand.entries)

    def _viewed(self, operand: _Operand, first: str, second: str) -> str:
        desired = self.roles.stack + first + second
        axes = [operand.letters.index(letter) for letter in desired]
        groups = [*self.roles.stack, *(group for group in (first, second) if group)]
        text = operand.text
        if len(groups) < len(desired):
            memory = operand.memory(operand.letters)
            swapped = not self.roles.stack and first and second and memory == second + first
            if swapped:
                inner = [operand.letters.index(letter) for letter in second + first]
                return f"{self._merged(_permuted(text, inner), [second, first])}.T"
            text = self._merged(_permuted(text, axes), groups)
        else:
            text = _permuted(text, axes)
        if self.roles.stack and not (first and second):
            return f"{text}[..., None, :]" if not first else f"{text}[..., None]"
        return text

    def _merged(self, text: str, groups: Sequence[str]) -> str:
        shape = ", ".join(entries_source(tuple(self.sizes[letter] for letter in group)) for group in groups)
        return f"{text}.reshape({shape})"

    def _transposed(self, text: str, letters: str) -> str:
        """A matrix, or a stack of them, transposed; a vector as it is."""
        if self.roles.stack:
            return f"{text}.swapaxes(-1, -2)"
        if not letters:
            return text
        return text.removesuffix(".T") if text.endswith(".T") else f"{text}.T"

    def _columns_first(self, summed: str) -> bool:
        """Whether the transposed product is faster, or puts the result into memory in a better order."""
        roles, output = self.roles, self.operation.output
        direct, flipped = (
            roles.stack + each == output for each in (roles.rows + roles.columns, roles.columns + roles.rows)
        )
        fixed = self.writer.in_c_order(self.position)
        if roles.stack or not (roles.rows and roles.columns):
            free = not (direct or flipped or fixed)
            return self._last(output) in roles.rows if free else flipped and not direct
        moved = _MOVED * nominal(self.operation.shape) if fixed else 0
        rows_first = self._turned(self.right, roles.columns, summed) + (0 if direct else moved)
        columns_first = self._turned(self.left, roles.rows, summed) + (0 if flipped else moved)
        if not fixed and self.position not in self.writer.reshaped:
            rows_first += self._short(roles.columns)
            columns_first += self._short(roles.rows)
        if rows_first != columns_first:
            return columns_first < rows_first
        last = "" if fixed else self._last(output)
        return last in roles.rows if last else flipped

    def _short(self, last: str) -> int:
        """What it costs that neighbours in memory are few: NumPy goes through the result row by row."""
        few = nominal(tuple(self.sizes[letter] for letter in last)) < _SHORT_ROW
        return _SHORT_COST * nominal(self.operation.shape) if few else 0

    def _turned(self, operand: _Operand, own: str, summed: str) -> float:
        """How many entries would be read by columns, were the operand on the right."""
        if not operand.lies(own, summed):
            return 0
        uses = self.writer.products_of(operand.position)
        return operand.entries / uses if uses >= _TURNED_OFTEN else operand.entries

    def _last(self, output: str) -> str:
        """The letter along which neighbours of the result are best neighbours in memory; nothing where none is."""
        objects = [each for each in (self.left, self.right) if BATCH in [self.sizes[letter] for letter in each.letters]]
        if self.roles.stack or not objects:
            return max((self.left, self.right), key=lambda each: each.entries).memory(output)[-1:]
        main = max(objects, key=lambda each: each.entries)
        last = main.memory(main.letters)[-1:]
        return last if last in output else ""

    def _read_by_rows(self, summed: str, columns_first: bool) -> None:
        """Copy, once for all products that read it, a right operand that would be read by columns."""
        right, own = (self.left, self.roles.rows) if columns_first else (self.right, self.roles.columns)
        if self.roles.stack or not own or not right.lies(own, summed):
            return
        order = tuple(right.letters.index(letter) for letter in summed + own)
        text = self.writer.kept_copy(right.position, order, _TURNED_OFTEN)
        if text:
            copy = replace(right, text=text, layout=Layout(order))
            self.left, self.right = (copy, self.right) if columns_first else (self.left, copy)

    def _result(self, stack: str, rows: str, columns: str) -> tuple[str, str | None]:
        """The array for the product, and what then is the result where its axes are others."""
        writer, output, letters = self.writer, self.operation.output, stack + rows + columns
        if not output:
            return "", None
        groups = [group for group in (*stack, rows, columns) if group]
        order = tuple(output.index(letter) for letter in letters)
        vector = bool(stack) and not (rows and columns)
        special = "" if not vector else "[..., None]" if not columns else "[..., None, :]"
        if writer.in_c_order(self.position):
            return self._home(letters, groups, order, special)
        logical = writer.fresh(self.position, order)
        if letters == output and len(groups) == len(letters):
            return (logical + special, logical) if special else (logical, None)
        whole = tuple(self.sizes[letter] for letter in letters)
        text = writer.storage.view(writer.slots[self.position], whole)
        return (text if len(groups) == len(letters) else self._merged(text, groups)) + special, logical

    def _home(
        self, letters: str, groups: Sequence[str], order: tuple[int, ...], special: str
    ) -> tuple[str, str | None]:
        """A result that is handed out, which is in C order."""
        writer = self.writer
        home = writer.fresh(self.position, order)
        if letters != self.operation.output:
            shape = tuple(self.sizes[letter] for letter in letters)
            copy = writer.scratch(shape, tuple(range(len(shape))))
            back = [letters.index(letter) for letter in self.operation.output]
            flat = self._merged(copy, groups) if len(groups) < len(letters) else copy
            return flat + special, f"_moved({_permuted(copy, back)}, {home})"
        flat = self._merged(home, groups) if len(groups) < len(letters) else home
        return (flat + special, home) if flat + special != home else (home, None)


def _permuted(text: str, axes: Sequence[int]) -> str:
    if list(axes) == list(range(len(axes))):
        return text
    return f"{text}.T" if list(axes) == [1, 0] else f"{text}.transpose({', '.join(map(str, axes))})"
