"""The budgets of calsync, each measured beside its yardstick in the same run. `make bench`, or `python -m bench --help`."""
