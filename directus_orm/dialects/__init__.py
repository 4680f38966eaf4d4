"""How each kind of server is asked: queries in, requests out, answers in, rows out. No I/O."""
