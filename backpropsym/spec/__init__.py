"""What a person declares, as a file, a string or in Python, to a graph."""
