"""Data, gradient descent, and saved parameters."""
