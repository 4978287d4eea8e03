"""Folders over Exchange Web Services: the tree of a mailbox (tree.py), how one is shown, operations on them."""
