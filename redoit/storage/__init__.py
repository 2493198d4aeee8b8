"""Blobs, traces and locks on disk, so that they survive a crash. A store is a folder. Knows no stages."""
