"""
The parameters of concentrators: which channels an SX1301 board is tuned to.

A board has two radios, each of which sees about 0.8 MHz; eight channels that take all
spreading factors at 125 kHz, placed by their distance from a radio's centre; one
channel of a single LoRa modulation; and one for FSK.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

LORA_125_KHZ: Final = 125_000
MULTI_SF: Final = tuple(f"chan_multiSF_{number}" for number in range(8))
_RADIO_SPAN_HZ: Final = 800_000
_IF_SPAN_HZ: Final = 400_000

Board = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One row of ``DRs``; ``spreading_factor`` 0 is FSK."""

    spreading_factor: int
    bandwidth_hz: int
    is_downlink_only: bool = False


def boards_for(
    frequencies_hz: Sequence[int], single: tuple[int, Rate] | None = None
) -> tuple[Board, ...]:
    """
    The parameters of SX1301 boards that receive these frequencies.

    Each board has two radios of about 0.8 MHz and eight channels for all spreading
    factors; ``single`` is the frequency and rate of the one more channel.
    """
    groups: list[list[int]] = []
    for hz in sorted(set(frequencies_hz)):
        if (
            groups
            and hz - groups[-1][0] <= _RADIO_SPAN_HZ
            and len(groups[-1]) < len(MULTI_SF)
        ):
            groups[-1].append(hz)
        else:
            groups.append([hz])
    pairs = _pairs(groups)
    return tuple(
        _board(pair, None if number else single) for number, pair in enumerate(pairs)
    )


def _pairs(groups: list[list[int]]) -> list[list[list[int]]]:
    """Two radios to a board while their channels are eight at most."""
    boards: list[list[list[int]]] = []
    for group in groups:
        last = boards[-1] if boards else []
        if len(last) == 1 and len(last[0]) + len(group) <= len(MULTI_SF):
            last.append(group)
        else:
            boards.append([group])
    return boards


def _board(radios: list[list[int]], single: tuple[int, Rate] | None) -> Board:
    centres = [(group[0] + group[-1]) // 2 for group in radios]
    conf: Board = {
        f"radio_{number}": (
            {"enable": True, "freq": centres[number]}
            if number < len(centres)
            else {"enable": False, "freq": 0}
        )
        for number in range(2)
    }
    placed = [(radio, hz) for radio, group in enumerate(radios) for hz in group]
    for at, name in enumerate(MULTI_SF):
        conf[name] = (
            _channel(*placed[at], centres) if at < len(placed) else {"enable": False}
        )
    return conf | {
        "chan_FSK": {"enable": False},
        "chan_Lora_std": _single(single, centres),
    }


def _channel(radio: int, hz: int, centres: list[int]) -> Board:
    return {"enable": True, "radio": radio, "if": hz - centres[radio]}


def _single(single: tuple[int, Rate] | None, centres: list[int]) -> Board:
    near = [
        (radio, single[0] - centre)
        for radio, centre in enumerate(centres)
        if single and abs(single[0] - centre) <= _IF_SPAN_HZ
    ]
    if single is None or not near:
        return {"enable": False}
    radio, offset = near[0]
    return {
        "enable": True,
        "radio": radio,
        "if": offset,
        "bandwidth": single[1].bandwidth_hz,
        "spread_factor": single[1].spreading_factor,
    }


def hears(board: Board, frequency_hz: int, rate: Rate) -> bool:
    """Whether a board receives this modulation at this frequency."""
    if rate.spreading_factor == 0:
        return _at(board, "chan_FSK", frequency_hz)
    if rate.bandwidth_hz == LORA_125_KHZ:
        return any(_at(board, name, frequency_hz) for name in MULTI_SF)
    single = board.get("chan_Lora_std")
    return (
        isinstance(single, dict)
        and single.get("bandwidth") == rate.bandwidth_hz
        and single.get("spread_factor") == rate.spreading_factor
        and _at(board, "chan_Lora_std", frequency_hz)
    )


def _at(board: Board, name: str, frequency_hz: int) -> bool:
    channel = board.get(name)
    if not isinstance(channel, dict) or channel.get("enable") is not True:
        return False
    radio = board.get(f"radio_{channel.get('radio')}")
    centre = radio.get("freq") if isinstance(radio, dict) else None
    offset = channel.get("if", 0)
    is_placed = isinstance(centre, int) and isinstance(offset, int)
    return is_placed and centre + offset == frequency_hz
