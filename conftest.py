"""Doctests are not looked for in modules that import a library which is not installed."""

from importlib.util import find_spec

RUNTIME = "backpropsym/kernels/runtime"
collect_ignore = [] if find_spec("torch") else [f"{RUNTIME}/torch_call.py", f"{RUNTIME}/torch_statements.py"]
