"""How models are declared: fields, relations, Directus types and their conversion, and the description of a model.

Imports only core.
"""
