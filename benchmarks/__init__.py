"""What things cost, measured; nothing here is asserted."""
