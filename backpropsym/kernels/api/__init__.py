"""What users call: compiled kernels and their derivative products."""
