"""`python -m bench`: the figures of `bench.latency` and `bench.imports`."""

from bench import imports, latency

latency.main()
imports.main()
