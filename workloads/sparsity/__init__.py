"""Sparsity of training: recorded traces, profiles made of them, and masks drawn from profiles."""
