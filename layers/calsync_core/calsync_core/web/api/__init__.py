"""The /v1 API for booking systems: OpenAPI 3.1, problem+json, Bearer keys of one account and scope."""
