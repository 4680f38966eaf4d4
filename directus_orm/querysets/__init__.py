"""The verbs of a queryset: filter, values, prefetch, iterate, update, delete, tables.

Imports only core to writing.
"""
