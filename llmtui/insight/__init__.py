"""Turns traces and probes into numbers worth looking at."""
