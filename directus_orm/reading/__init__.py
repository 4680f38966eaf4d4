"""Reading the rows of a query: sub-queries first, then page by page, rechecked in Python where necessary.

Imports only core to dialects, and its own pagination.
"""
