"""Loops over the flights with other libraries: each runs by itself, in its library's own environment."""
