"""What a user may do: permissions as values, questions about them, and how Directus 10 to 12 answer these.

Imports only core.
"""
