"""Pagination: which page is requested next (keyset, key windows), and the code that sends the requests.

Imports only the folders above: core to dialects.
"""
