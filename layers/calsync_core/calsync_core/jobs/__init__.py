"""Payloads of queue, schedule and Step Functions -> commands, and outcomes -> answers of ids and counters.

One module per function: each loads only the use cases that it calls.
"""
