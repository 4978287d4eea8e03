"""calsync's budgets, each measured beside its yardstick in the same run: `make bench`, `python -m bench --help`."""
