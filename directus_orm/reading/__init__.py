"""Reading the rows of a query: sub-queries first, then page by page, with tests in Python where the server cannot.

Imports only core to dialects, and its own pagination.
"""
