"""Files of rows and other contents on their way: sources of uploads, imports by the server, exports to files.

Imports only core and session/http.
"""
