"""Calendar items over Exchange Web Services: shown (show.py), read (read.py), found (find.py), operations on them."""
