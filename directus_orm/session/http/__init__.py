"""One HTTP exchange: connections, routes, retries, and the errors of a refusal or of a broken connection.

Imports only core.
"""
