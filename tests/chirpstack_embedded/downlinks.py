"""What a downlink of the embedded server holds."""

from typing import Any

from wire.lorawan.data import DataFrame


def sent(world: Any, item: int = 0) -> tuple[DataFrame, bytes]:
    """The last downlink's frame and clear payload."""
    frame = DataFrame.parse(world.downlinks[-1].items[item].phy_payload)
    f_cnt = frame.f_cnt_16
    assert world.session.verify(world.downlinks[-1].items[item].phy_payload, f_cnt)
    return frame, world.session.decrypt(frame, f_cnt)
