"""How names such as ``carrier__name__icontains`` become conditions, orderings and values of a query.

Imports only core, fields, query.
"""
