"""From a network to its picture."""
