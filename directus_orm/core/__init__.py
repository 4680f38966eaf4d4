"""Used by every folder: errors, Request and Response, masking of secrets, JSON, progress, threads, async twins.

Imports nothing of this package.
"""
