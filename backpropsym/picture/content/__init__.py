"""From a network to a scene: what is drawn, and what is written on it."""
