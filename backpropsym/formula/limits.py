"""Bounds on what a person may write, checked before anything is built.

Network files pass between people; these bounds keep every later stage in bounded time and memory.
"""

from __future__ import annotations

MAX_CHARACTERS = 2_000
MAX_DEPTH = 64
MAX_PARTS = 500
MAX_EXPONENT = 64
MAX_NUMBER_CHARACTERS = 40
MAX_DECADES = 400
MAX_NAME_CHARACTERS = 64
