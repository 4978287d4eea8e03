"""AWS behind the outward ports: mail, queue, state machines, sealing, the one secret, time and ids."""
