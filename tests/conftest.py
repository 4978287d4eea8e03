"""The same examples on every machine: what is new is looked for by `make soak`, not by chance in a build."""

from hypothesis import settings

settings.register_profile("calsync", derandomize=True, deadline=None, database=None)
settings.load_profile("calsync")
