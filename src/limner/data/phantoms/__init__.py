"""Phantoms: small made-up images with exact masks that look like the real thing at a glance.

They serve the demo, the tests and the documentation, where real pictures would need a licence. Nothing learnt from them says
anything about patients.
"""

from limner.data.phantoms.draw import STYLES, Style, instances, phantom
from limner.data.phantoms.write import write_phantoms

__all__ = ["STYLES", "Style", "instances", "phantom", "write_phantoms"]
