"""Exchange Web Services over the sandbox's mailbox store. Start at service.py; operations register in dispatch.py."""
