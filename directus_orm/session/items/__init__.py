"""`session.items()`: the rows of collections without a model, as dicts.

Imports only core and session/http.
"""
