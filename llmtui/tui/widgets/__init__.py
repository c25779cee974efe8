"""Widgets draw what they are given and say what the person did; none of them knows another."""
