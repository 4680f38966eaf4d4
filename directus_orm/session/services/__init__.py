"""What a session offers beside models, each a class that only sends: plain items, people, permissions and others.

Imports only core and session/http.
"""
