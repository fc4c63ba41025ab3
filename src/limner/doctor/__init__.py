"""The data doctor: what is wrong with a source, why it matters, and a repaired copy of it."""

from limner.doctor.diagnose import Diagnosis, diagnose
from limner.doctor.findings import Case, Finding
from limner.doctor.kinds import KINDS, Kind
from limner.doctor.repair.copy import Repairs, repair

__all__ = ["KINDS", "Case", "Diagnosis", "Finding", "Kind", "Repairs", "diagnose", "repair"]
