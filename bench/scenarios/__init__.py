"""What is measured; each module here has some scenarios."""

from . import bounds, crowds, fanout, processes, reading, streams

MODULES = (fanout, crowds, processes, reading, streams, bounds)
ALL = [one for module in MODULES for one in module.SCENARIOS]
BY_NAME = {one.name: one for one in ALL}
