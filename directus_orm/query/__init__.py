"""What a query asks for, as frozen values: conditions, expressions, orderings, groups.

Imports only core, fields.
"""
