"""Measures the product at the size of a big city: a generator, a load run, and the figures of both."""
