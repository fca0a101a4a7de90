"""From a graph to the program of a kernel."""
