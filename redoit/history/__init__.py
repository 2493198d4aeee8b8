"""What became of each stage, run by run. Explains, and never decides."""
