"""`Model`, the descriptors on its subclasses, and how annotations become fields.

Imports only core to querysets.
"""
