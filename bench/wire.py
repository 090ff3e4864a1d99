"""
How many uplinks a second one core builds and verifies, beside the bare ciphers.

``scripts/bench wire [--seconds S] [--report FILE]`` prints one JSON document. Rates
are per second of CPU time, so a busy machine changes them little; the ratio is
between figures of the same run.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.cmac import CMAC

from wire.lorawan.counters import full_f_cnt_up
from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session

FRAMES = 2000
PAYLOAD = bytes(range(20))  # two AES blocks, as a street light's status has
ADR = FCtrl(adr=True)
SESSION = Session(
    dev_addr=DevAddr.parse("01a7c3e5"),
    nwk_s_key=Key(b"n" * 16),
    app_s_key=Key(b"a" * 16),
)


def build() -> list[bytes]:
    """Build every uplink from clear octets, as a device does."""
    return [
        SESSION.uplink(f_cnt=f_cnt, f_port=2, payload=PAYLOAD, f_ctrl=ADR)
        for f_cnt in range(FRAMES)
    ]


def verify(uplinks: list[bytes]) -> None:
    """Parse, complete the counter, judge the MIC and decrypt, as a server does."""
    for expected, phy_payload in enumerate(uplinks):
        frame = DataFrame.parse(phy_payload)
        f_cnt = full_f_cnt_up(expected, frame.f_cnt_16)
        if not SESSION.verify(phy_payload, f_cnt):
            raise AssertionError(f"uplink {f_cnt} does not verify")
        if SESSION.decrypt(frame, f_cnt) != PAYLOAD:
            raise AssertionError(f"uplink {f_cnt} decrypts to something else")


def raw_crypto() -> None:
    """Call the ciphers for one side of each uplink and do nothing else."""
    key = AES(b"k" * 16)
    encrypt = Cipher(key, ECB()).encryptor().update  # noqa: S305 -- what is measured
    copy = CMAC(key).copy
    blocks, message = bytes(32), bytes(16 + 9 + len(PAYLOAD))
    for _ in range(FRAMES):
        encrypt(blocks)
        mac = copy()
        mac.update(message)
        mac.finalize()


def per_second(run: Callable[[], object], seconds: float) -> float:
    """Frames per CPU second: the best of many rounds, the machine being shared."""
    best, spent = 0.0, 0.0
    while spent < seconds:
        start = time.process_time()
        run()
        took = time.process_time() - start
        spent += took
        best = max(best, FRAMES / took)
    return best


def measure(seconds: float) -> dict[str, object]:
    """Measure each figure for so many seconds of CPU time."""
    uplinks = build()
    built = per_second(build, seconds)
    verified = per_second(lambda: verify(uplinks), seconds)
    raw = per_second(raw_crypto, seconds)
    both = 1 / (1 / built + 1 / verified)
    return {
        "bench": "wire",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "payload_octets": len(PAYLOAD),
        "built_per_s": round(built),
        "verified_per_s": round(verified),
        "built_and_verified_per_s": round(both),
        "raw_crypto_per_s": round(raw),
        "ratio": round(2 * both / raw, 3),
        "built_ratio": round(built / raw, 3),
        "verified_ratio": round(verified / raw, 3),
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    report = json.dumps(measure(options.seconds), indent=2)
    print(report)
    if options.report:
        options.report.write_text(report + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
