"""The computational graph, and the same network at other levels."""
