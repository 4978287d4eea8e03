"""The admin's pages: sign-in, Overview, invitations, a resource, settings, conflicts, sync log, connections."""
