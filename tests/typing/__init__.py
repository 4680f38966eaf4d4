"""Programs for type checkers, which are never run."""
