"""File formats whose bytes hold clocks or addresses, and how they are rewritten without."""
