"""Planning: measure a data set, and choose a recipe for it with a reason for each choice."""

from limner.planner.fingerprint import Fingerprint, Spread, Survival
from limner.planner.machine import Machine, this_machine
from limner.planner.measure import measure
from limner.planner.plan import Plan, make_plan, plan_for, settled
from limner.planner.reason import Reason
from limner.planner.write import recipe_yaml

__all__ = [
    "Fingerprint",
    "Machine",
    "Plan",
    "Reason",
    "Spread",
    "Survival",
    "make_plan",
    "measure",
    "plan_for",
    "recipe_yaml",
    "settled",
    "this_machine",
]
