"""`session.items()`: the rows of collections without a model, as dicts.

Imports only core, session/http, session/transfers.
"""
