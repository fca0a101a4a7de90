"""Real numbers, and nothing else, from what people give. A saved kernel carries the text of these functions."""

from __future__ import annotations

from typing import Any


def real_array(value: object) -> tuple[Any, str]:
    """`value` as an array of booleans, whole numbers or floats; and what keeps it from being one, else an empty text.

    Python objects that are numbers, such as fractions, become floats. Complex numbers, texts, None, dates, rows of
    different lengths and entries under a mask are no numbers.
    """
    import numpy as np

    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":
            text = next((each for each in array.flat if isinstance(each, (str, bytes, bytearray))), None)
            if text is not None:
                return None, f"it holds the text {text!r:.50}"
            array = np.array([float(each) for each in array.flat]).reshape(array.shape)
        if array.dtype.kind not in "biuf":
            return None, f"it has the type {array.dtype}"
        if np.ma.is_masked(value):
            return None, "some of its entries are masked"
        return array, ""
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        return None, str(error)[:200]
