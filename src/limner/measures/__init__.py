"""Measurements of masks: arrays in, numbers out. Nothing here reads or writes a file."""

from limner.measures.objects import ObjectMeasures, measure_objects
from limner.measures.vessels import VesselMeasures, field_of_view, measure_vessels

__all__ = ["ObjectMeasures", "VesselMeasures", "field_of_view", "measure_objects", "measure_vessels"]
