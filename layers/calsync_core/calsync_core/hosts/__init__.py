"""Booking systems that come with calsync; calsync itself reaches them over HTTP only."""
