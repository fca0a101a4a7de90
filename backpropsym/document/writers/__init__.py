"""Trees, tables and data to text: one module a medium."""
