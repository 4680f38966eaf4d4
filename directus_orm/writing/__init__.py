"""How instances become requests: payloads, save, nested and bulk writes, relations, recovery of lost responses.

Imports only core to instances.
"""
