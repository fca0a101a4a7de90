"""Every number and formula of a network against independent numerics."""
