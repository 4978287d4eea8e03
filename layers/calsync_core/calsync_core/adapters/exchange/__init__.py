"""Exchange servers by EWS: reading strictly and fast with lxml, writing with exchangelib."""
