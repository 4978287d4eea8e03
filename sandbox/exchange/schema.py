"""Microsoft's schema as a judge of requests, as a real server judges them; the files are not part of this repository.

Every Exchange server serves them at /EWS/messages.xsd and types.xsd. Without them (no `--ews-schema`) each operation
checks what it reads.
"""

from pathlib import Path
from typing import Any

from lxml import etree

from sandbox.exchange.errors import SchemaError
from sandbox.exchange.xml import Element

_IMPORT = "{http://www.w3.org/2001/XMLSchema}import"
_XML = "http://www.w3.org/XML/1998/namespace"
_XML_SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{_XML}">
<xs:attribute name="lang" type="xs:language"/></xs:schema>"""


class _Places(etree.Resolver):  # type: ignore[misc]  # lxml ships no types
    """Says where the xml: namespace is described: types.xsd imports it without a place."""

    def resolve(self, url: str, _public: str, context: Any) -> Any:
        """Give the changed types.xsd and the small description of xml:."""
        if url.endswith("sandbox-xml.xsd"):
            return self.resolve_string(_XML_SCHEMA, context, base_url=url)
        if not url.endswith("types.xsd"):
            return None
        tree = etree.parse(url)
        for one in tree.getroot().findall(_IMPORT):
            if one.get("namespace") == _XML:
                one.set("schemaLocation", "sandbox-xml.xsd")
        return self.resolve_string(etree.tostring(tree), context, base_url=url)


class Schema:
    """The schema of one folder with messages.xsd and types.xsd. Raises OSError or etree.XMLSchemaParseError."""

    def __init__(self, folder: Path) -> None:
        parser = etree.XMLParser()
        parser.resolvers.add(_Places())
        self._schema = etree.XMLSchema(etree.parse(str(folder / "messages.xsd"), parser))

    def check(self, request: Element) -> None:
        """Refuse an operation's element that does not fit. Raises SchemaError."""
        alone = etree.fromstring(etree.tostring(request))
        if not self._schema.validate(alone):
            first = self._schema.error_log[0]
            raise SchemaError(str(first.message), int(first.line), int(first.column))
