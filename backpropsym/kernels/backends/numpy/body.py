"""What the statements of a kernel of arrays are, and what they need."""

from __future__ import annotations

from dataclasses import dataclass, field

from backpropsym.kernels.backends.numpy.storage import Storage
from backpropsym.ops.kinds import Shape


@dataclass
class ArrayBody:
    """The statements of a kernel of tensors.

    Attributes
    ----------
    forward, backward : lines of source.
    value : the source of the value.
    gradients : the source of each result.
    storage : the memory that the statements use.
    results : the shapes of results that are arrays, by the name of the array.
    places : the names of index arrays that are the same at every call, and their source.
    helpers : the names that the statements use besides NumPy, such as `_erf_array`.
    """

    forward: list[str] = field(default_factory=list)
    backward: list[str] = field(default_factory=list)
    value: str = ""
    gradients: dict[str, str] = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)
    results: dict[str, Shape] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)

    def named_places(self, text: str) -> str:
        """The name of index arrays."""
        name = next((name for name, known in self.places.items() if known == text), f"_INDEX_{len(self.places) + 1}")
        self.places[name] = text
        return name
