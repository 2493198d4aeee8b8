"""With `cli` the only place that knows doit: stages as its tasks, and its loader, database and reporter for them."""
