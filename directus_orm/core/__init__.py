"""What every folder may use: errors, requests and responses as values, masking, JSON, progress, async twins.

Imports nothing of this package.
"""
