"""Dialects: how a server version is asked. Queries become requests, responses become rows. No I/O.

Imports only core, session, fields, query.
"""
