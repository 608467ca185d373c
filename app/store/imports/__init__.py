"""SQL of imports: their jobs, and set-based statements over many parts."""
