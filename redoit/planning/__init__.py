"""What a run would do, and exactly why, without doing it; and `verify`, which runs kept stages again."""
