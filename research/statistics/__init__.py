"""Intervals, contrasts and hypothesis tests over arrays of scores, in NumPy and SciPy alone."""
