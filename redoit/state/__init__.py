"""What one checkout remembers: latest traces, invalidations, and caches that may be lost without harm."""
