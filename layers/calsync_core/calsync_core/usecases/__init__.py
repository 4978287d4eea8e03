"""One file, one journey step; dependencies come in as arguments."""
