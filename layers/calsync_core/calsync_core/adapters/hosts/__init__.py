"""Booking systems that calsync talks to: Host Connector v1 and, later, adapters of systems that do not speak it."""
