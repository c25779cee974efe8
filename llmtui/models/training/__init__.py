"""How the embedded model tiny-tales was made: its text, its tokenizer, its training. Run with ``python -m``."""
