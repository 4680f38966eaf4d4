"""What a query asks for, as frozen values: conditions, expressions, orderings, groups; and what a server can do.

Imports only core, fields.
"""
