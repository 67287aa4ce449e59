"""Figures of a reproduction: one file a figure."""
