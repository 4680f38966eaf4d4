"""What `field()` takes: the options of a field as values, their checks, and the values that the server makes.

Imports only core.
"""
