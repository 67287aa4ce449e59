"""Figures of a study: what they show (points, effects), and how (axes, colours, panels)."""
