"""Networks of one's own: from ONNX files, PyTorch modules and SCALE-Sim topologies to a Network.

A reader says of every operator which layer it is, as a Step; assemble.py makes the network of the steps.
"""
