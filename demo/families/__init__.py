"""From table rows to parts: one module for each family says how its SKUs, names, prose and specifications are made."""
