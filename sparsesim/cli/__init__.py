"""The command line: `python -m sparsesim run | compile | machines | workloads`.

Standard output carries results only; progress, messages and errors go to standard error. Exit status: 0 done,
1 the simulator or the disk failed, 2 the user gave something that cannot be used, 130 interrupted.
"""
