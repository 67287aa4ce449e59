"""Reports: results as a terminal table and as a figure.

`table.print_result` prints, `figure.draw` draws. Nothing here computes a result; what is shown is in the run
folder too.
"""
