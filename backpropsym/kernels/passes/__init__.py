"""Changes of a program that make it faster."""
