"""The parts of ``benchmarks/networks.py``, one figure or two in each."""
