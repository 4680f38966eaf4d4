"""The contents of files: uploads, downloads, zips, and the addresses of images.

Imports only core to models.
"""
