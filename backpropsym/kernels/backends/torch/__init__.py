"""Kernels on tensors of PyTorch."""
