"""Scenarios: a city, its faults and what must come of it, in virtual time or live."""
