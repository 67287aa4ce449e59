"""Figures of the recorded training runs, for docs/sparsity.md: `python -m reports.training FOLDER`."""
