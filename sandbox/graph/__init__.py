"""Microsoft Graph v1.0 calendars over the mailbox store. Start reading at routes.py."""

from sandbox.graph.paths import CanonicalPaths
from sandbox.graph.routes import graph_routes, refuse, unknown_path

__all__ = ["CanonicalPaths", "graph_routes", "refuse", "unknown_path"]
