"""Dialects turn queries into the requests of a server version, and its responses into rows. No I/O.

Imports only core, session, fields, query.
"""
