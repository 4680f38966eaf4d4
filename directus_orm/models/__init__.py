"""`Model`, the descriptors of its attributes, and how the annotations of its subclasses become fields.

Imports only core to querysets.
"""
