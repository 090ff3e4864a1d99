"""Numbers of things, as people write them."""

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Return `1 lamp` or `2 lamps`, whichever the number asks for."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
