"""How one kind of server is asked: a query becomes a request, a response becomes rows. No I/O.

Imports only core, session, fields, query.
"""
