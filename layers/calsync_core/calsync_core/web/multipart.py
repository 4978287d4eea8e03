"""Forms with a file in them (multipart/form-data): names and texts, a file as its text. For small text files only."""

from email.parser import BytesParser
from email.policy import HTTP


def multipart_pairs(content_type: str, body: bytes) -> tuple[tuple[str, str], ...]:
    """In the order of the wire; parts without a name are left out, a body that is no such form gives nothing."""
    head = f"content-type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        return ()
    pairs = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            pairs.append((name, content.decode("utf-8", "replace")))
    return tuple(pairs)
