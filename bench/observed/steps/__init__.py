"""Steps of several kinds, to measure what observing them costs."""
