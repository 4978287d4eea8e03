"""Change notifications: subscriptions, their handshake, the delivery to webhooks. Start at subscriptions.py."""
