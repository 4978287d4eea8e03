"""Autodiscover: which server and address a mailbox has, in SOAP, in plain XML (POX) and as JSON. Start at routes.py."""
