"""The launcher of the local cloud: emulator, deploy, Microsoft sandbox, demo clinic. Never deployed."""
