"""Microsoft on this machine: sign-in, Graph calendars and an Exchange server over one mailbox store.

Never deployed, bound to 127.0.0.1, strict where the real thing is strict. Imports nothing of calsync_core.
"""
