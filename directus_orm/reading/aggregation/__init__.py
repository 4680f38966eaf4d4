"""Reading groups and aggregates: what the server computes, and what is merged in Python.

Imports only core to reading.
"""
