"""Every port in memory: shipped, typed, and under the same contracts as the real ones."""
