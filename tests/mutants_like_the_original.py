"""Mutants that nobody can notice, because they do what the original does: by function and new line, with the reason.

What is superfluous in the product goes from the product; here stands what types, speed or the reader want as it is.
"""

_SAME_NAME = "Another name of the same encoding"
_TYPES = "For the type checker: a booking that was read is projected whenever its copy has to be dealt with"
_FILLED = "A row is completed right after it was made: these fields get their values there"
_SPEED = "For speed alone: more is looked at, and nothing more is found"
_ELSEWHERE = "`_moved` looks at the observation only where both sides stand at the same time, which is excluded before"

LIKE_THE_ORIGINAL: dict[tuple[str, str], str] = {
    (
        "fingerprint.asked_of_copy",
        'return hashlib.sha256("\\x1f".join(parts).encode("UTF-8", "surrogatepass")).hexdigest()[:16]',
    ): _SAME_NAME,
    (
        "fingerprint._hash",
        'return hashlib.sha256("\\x1f".join(parts).encode("UTF-8", "surrogatepass")).hexdigest()[:16]',
    ): _SAME_NAME,
    ("notes._body", 'return html[max(start, 0) :].encode("UTF-8", "replace").decode()'): _SAME_NAME,
}
