"""From a graph to its derivatives."""
