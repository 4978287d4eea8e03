"""The world behind the ports, one package per remote thing."""
