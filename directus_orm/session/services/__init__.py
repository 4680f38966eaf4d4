"""What a session offers beside models, each a class that only sends: people, the schema, the server, utilities.

Imports only core and session/http.
"""
