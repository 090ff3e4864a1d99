"""Commands of one kind that travel and are answered together."""

from dataclasses import dataclass

from wire.lorawan.mac import MacCommand, build_block


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One or more commands with the same CID, for the device."""

    commands: tuple[MacCommand, ...]

    @property
    def cid(self) -> int:
        """The CID of every command."""
        return self.commands[0].cid

    @property
    def data(self) -> bytes:
        """The octets on the air."""
        return build_block(self.commands)
