"""What is asked: conditions, the frozen query, and the querysets that build it."""
