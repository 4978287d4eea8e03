"""calsync: bookings and Microsoft calendars in agreement."""

__version__ = "0.1.0"
