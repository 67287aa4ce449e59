"""How a search is carried out with Optuna: the space, the samplers, and the trials that are kept.

Importing this package's modules imports Optuna; sparsesim.study.explore does so when a search begins.
"""
