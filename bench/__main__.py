"""`python -m bench`: the figures of `bench.latency`."""

from bench.latency import main

main()
