"""Exercises with worked solutions."""
