"""What a run would do, and exactly why; nothing is executed or changed."""
