"""What a session offers beside models, each a class that only sends: people, the schema, the server, utilities.

Imports only core, session/http, session/transfers, session/items.
"""
