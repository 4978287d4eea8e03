"""What the use cases need from the world, as Protocols; every implementation passes one contract suite."""
