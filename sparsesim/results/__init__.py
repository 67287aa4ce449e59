"""Results: typed, checked against the bounds nothing can beat, and kept in run folders.

`result.build_result` makes a Result of raw records, `bounds.check_bounds` checks it, `folder` keeps it.
"""
