"""What a terminal shows while stages run: a live line for each, and what its step prints. Knows nothing of stages."""
