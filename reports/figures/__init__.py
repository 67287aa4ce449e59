"""Figures of a result: one file a figure, all in one visual language (reports.language)."""
