"""Drift: where models and the schema of a server say different things, by meaning and not by text.

Imports only core to schema/generating.
"""
