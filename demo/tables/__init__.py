"""The standards' dimension tables, as data and nothing else. All dimensions are in millimetres unless a table says otherwise."""
