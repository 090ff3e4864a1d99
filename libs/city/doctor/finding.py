"""What the doctor says: a kind for tools, a sentence and an advice for people."""

from dataclasses import dataclass

__all__ = ["KINDS", "Finding"]

# kind -> whether the device is well, and whether more listening could change it.
KINDS = {
    "unknown": (False, False),
    "backwards": (False, True),
    "disabled": (False, True),
    "no_key": (False, True),
    "no_otaa": (False, True),
    "wrong_key": (False, True),
    "used_nonce": (False, True),
    "gateway_unknown": (False, True),
    "gateway_private": (False, True),
    "wrong_region": (False, True),
    "no_tx_ack": (False, True),
    "gateway_refused": (False, True),
    "window_missed": (False, True),
    "not_answered": (False, True),
    "counter_reset": (False, True),
    "old_session": (False, True),
    "codec": (False, True),
    "class_c_waits": (False, False),
    "first_report": (True, False),
    "no_gateway": (False, False),
    "gateways_silent": (False, False),
    "silent": (False, False),
    "never_heard": (False, False),
    "well": (True, True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One of `KINDS`, the sentence and what to do; no advice when all is well."""

    kind: str
    sentence: str
    advice: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing has to be done."""
        return KINDS[self.kind][0]

    @property
    def settled(self) -> bool:
        """Whether listening longer could not change it."""
        return KINDS[self.kind][1]
