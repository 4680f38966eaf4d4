"""How names and lookups such as ``carrier__name__icontains`` become conditions and values of a query.

Imports only core, fields, query.
"""
