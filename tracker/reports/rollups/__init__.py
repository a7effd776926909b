"""Figures from kept cells: for each month and unit, one cell for each team, category, area, ….

Triggers (migration 0008) write what each change of a request takes away from the figures and
adds to them, in the transaction of the change. `fold` works those changes into the cells, and
whoever reads adds the ones that are not folded yet: so what is read is exact at any time. What a
request counts for is decided by the conditions of `tracker.reports.definitions` alone, here as
there. `rebuild` makes the cells anew from the requests.

A cell holds counts, and the times that cannot be added up, sorted: a percentile over several
cells is found by halving, and whatever is due before a moment likewise.
"""
