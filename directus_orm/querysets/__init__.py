"""Querysets and their methods: filter, values, prefetch_related, iterator, update, delete, to_arrow, `col`.

Imports only core to writing.
"""
