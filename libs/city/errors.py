"""
What can go wrong between the city's programs and the services they use.

CityError
├── BadSettings      the environment is not what the programs need; lists every fault
├── BadDeviceType    a folder of the catalogue cannot be used
├── BadCommand       a command that cannot be read or sent
├── CodecFailed      a codec refused, threw, looped or ate memory
├── BadArchive       what is stored is not what the manifest says
├── WrongLayout      the streams were created with other partitions or schema
└── NetworkError     ChirpStack answered something other than yes
    ├── AlreadyThere     the object exists
    ├── NotThere         the object does not exist
    ├── NotAllowed       the token is missing, wrong, or has not the right
    ├── Invalid          ChirpStack found the request wrong
    ├── Busy             another writer holds ChirpStack's database
    ├── Unsupported      this server does not offer the call
    └── Unreachable      nobody answered in time; also used for the broker
"""

from collections.abc import Sequence


class CityError(Exception):
    """Base of everything this package raises on purpose."""


class BadSettings(CityError):
    """The environment cannot be used; ``faults`` lists every reason."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class BadDeviceType(CityError):
    """A device type of the catalogue cannot be used."""


class BadCommand(CityError):
    """A command that cannot be read or sent; says why."""


class CodecFailed(CityError):
    """A codec refused its input, threw, looped or ate memory."""


class BadArchive(CityError):
    """What is stored is not what the manifest says."""


class WrongLayout(CityError):
    """The streams were created with another number of partitions or another schema."""


class NetworkError(CityError):
    """ChirpStack answered something other than yes."""


class Busy(NetworkError):
    """Another writer holds ChirpStack's database; nothing was written."""


class AlreadyThere(NetworkError):
    """The object exists."""


class NotThere(NetworkError):
    """The object does not exist."""


class NotAllowed(NetworkError):
    """The token is missing, wrong, or has not the right."""


class Invalid(NetworkError):
    """ChirpStack found the request wrong."""


class Unsupported(NetworkError):
    """The server does not offer the call."""


class Unreachable(NetworkError):
    """Nobody answered in time."""
