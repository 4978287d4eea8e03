"""Sign-in to the console by any OpenID Connect issuer."""
