"""Themes, and text as outlines."""
