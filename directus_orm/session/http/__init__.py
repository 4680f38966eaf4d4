"""One HTTP request and its response: the server's API, connections, retries, error mapping.

Imports only core, session/permissions.
"""
