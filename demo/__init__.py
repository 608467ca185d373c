"""The demo catalog: real standard parts with invented prices and stock.

Nothing here is imported by the application; `demo/parts.csv` is what it reads.
`python -m demo.generate` regenerates that file from the tables in `demo.tables`.
"""
