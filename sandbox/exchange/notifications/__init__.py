"""Notifications of Exchange: subscriptions (operations.py), events read from the change logs, push posts (push.py)."""
