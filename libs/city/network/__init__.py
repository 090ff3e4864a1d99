"""
A typed client of ChirpStack's API that says in sentences what went wrong.

Idempotent callers read first and create then: ChirpStack reports most of what is wrong
as INTERNAL (a duplicate too), and a missing right as UNAUTHENTICATED.

`calls` is how it is asked, `sentences` what its refusals mean, `messages` how its
objects are read and made; every other room is a noun of ChirpStack.
"""

from city.network.client import Network
from city.network.sentences import explain

__all__ = ["Network", "explain"]
