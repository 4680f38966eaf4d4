"""Which page is asked for next, and the driver that sends the requests.

Imports only the folders above: core to dialects.
"""
