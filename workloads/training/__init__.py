"""Training runs of our own, in PyTorch: the networks, the photographs, the loop.

Nothing of the simulator needs this; `workloads/data/record_training.py` trains with it and records.
"""
