"""Microsoft Graph v1.0 calendars over the mailbox store. Start reading at routes.py."""
