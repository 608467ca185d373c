"""The cache protocol: leases, version floors, generation tokens, epoch."""
