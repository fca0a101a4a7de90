"""The program `backpropsym`: one module a command."""
