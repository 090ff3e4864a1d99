"""Values that are read from a document when they are first asked for, then kept."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

Value = TypeVar("Value")

__all__ = ["UNREADABLE", "lazy"]

UNREADABLE: Final = KeyError, TypeError, ValueError, AttributeError, OverflowError
"""What Python raises at a document that lacks something or has it in another type."""

if TYPE_CHECKING:
    from functools import cached_property as lazy
else:

    class lazy(Generic[Value]):  # noqa: N801 - reads as a decorator, as `property` does
        """
        `functools.cached_property` without its lock, for objects that never change.

        The value lies in the object's dictionary under the attribute's own name, so
        only the first look comes here. The object's `refusal` turns what a wrong
        document makes Python raise into what is to be raised.
        """

        def __init__(self, read: Callable[[Any], Value]) -> None:
            self._read, self.__doc__ = read, read.__doc__
            self._name = read.__name__

        def __get__(self, holder: Any, owner: type) -> Any:
            """Read the value and put it where the next look finds it."""
            if holder is None:
                return self
            try:
                value = self._read(holder)
            except UNREADABLE as error:
                raise holder.refusal(error) from error
            holder.__dict__[self._name] = value
            return value
