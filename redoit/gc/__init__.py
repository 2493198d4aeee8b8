"""What a store may lose, and its removal."""
