"""From a trained network to one file that holds everything needed to use it, checked against the network."""

from limner.export.exporter import export_network, new_metadata, set_threshold, update_model
from limner.export.parity import Parity, check_parity

__all__ = ["Parity", "check_parity", "export_network", "new_metadata", "set_threshold", "update_model"]
