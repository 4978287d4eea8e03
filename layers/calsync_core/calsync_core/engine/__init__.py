"""The pure decisions: what is observed, what must be done. No input or output of any kind."""
