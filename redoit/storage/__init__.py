"""Bytes on disk that survive a crash: blobs and traces, locks, and the few writes beneath them. Knows no stages."""
