"""From a graph to fast functions."""
