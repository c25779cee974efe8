"""Which models exist, how they get here, what they cost. Imports neither torch nor a screen nor a server."""
