"""Simulated LoRaWAN gateways."""
