"""Data as JSON text, whole numbers of any length included."""

from __future__ import annotations

import json
import sys


def json_text(data: object) -> str:
    """`data` as indented JSON with a newline at its end.

    Python refuses to write integers of more than 4,300 digits; path counts can be longer, so the bound is lifted
    while the text is made.

    Raises
    ------
    ValueError : a float in `data` is not finite.
    """
    allowed = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    finally:
        sys.set_int_max_str_digits(allowed)
