"""The command line ``directus-orm``, of the extra ``cli``: options, files, exit codes.

Imports only core to schema/generating.
"""
