"""How fast a model is, on this machine: frames per second by two clocks, latency, memory, and what of the machine's strength is used.

Nothing is imported here: each configuration is measured in a process of its own, whose memory is told, and which needs only a part.
"""
