"""How fast a model runs here: what is measured, against what, and how the numbers are taken."""
