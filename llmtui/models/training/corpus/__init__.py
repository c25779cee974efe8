"""Seeded generator of the training text of tiny-tales: plain Python, the same seed always gives the same text."""
