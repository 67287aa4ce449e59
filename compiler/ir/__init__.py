"""The 1-D convolution dataflow IR between mapping and machine program.

nodes and expressions define it; printer and parser write and read its text; verifier says what is wrong
with a program; interpreter computes what a program means, with real numbers. unroll is how verifier and
lowering walk the loops of a program without executing them one by one.
"""
