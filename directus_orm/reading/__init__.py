"""How a query becomes rows: sub-queries first, then pages, then rechecks in Python.

Imports only core to dialects, and its own pagination.
"""
