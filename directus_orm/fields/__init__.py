"""How a model is declared: fields, relations, Directus types and their conversion, and what is known of a model.

Imports only core.
"""
