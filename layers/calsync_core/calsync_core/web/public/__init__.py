"""Pages that people reach from a mail, without any password of ours."""
