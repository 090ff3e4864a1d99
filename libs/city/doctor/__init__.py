"""
The join doctor: one sentence why a device is not heard, and what to do.

::

    finding = examine("a81758fffe0301c4", network, broker, listen_s=10)
    print(finding.sentence, finding.advice)
"""

from city.doctor.examine import LISTEN_S, examine, finding_document
from city.doctor.facts import Facts
from city.doctor.finding import Finding
from city.doctor.verdict import judge

__all__ = ["LISTEN_S", "Facts", "Finding", "examine", "finding_document", "judge"]
