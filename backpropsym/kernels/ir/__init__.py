"""What a kernel computes, as plain data, and its verifier."""
