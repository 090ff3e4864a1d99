"""Simulated LoRaWAN end devices."""
