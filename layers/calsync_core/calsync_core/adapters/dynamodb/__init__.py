"""The stores on one DynamoDB table; `keys.py` has the layout, `table.py` the only calls."""
