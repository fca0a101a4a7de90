"""The tests here compare with other libraries; where one is not installed there is nothing to compare with."""

from importlib.util import find_spec
from pathlib import Path

LIBRARIES = {"test_fused.py": "numba", "test_jax.py": "jax"}
"""What a file compares with; the others compare with PyTorch."""

collect_ignore = [
    file.name
    for file in Path(__file__).parent.glob("test_*.py")
    if find_spec(LIBRARIES.get(file.name, "torch")) is None
]
