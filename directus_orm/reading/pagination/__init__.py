"""Pagination: pagers that decide which page to request next (keyset, key windows), and the driver that sends it.

Imports only the folders above: core to dialects.
"""
