"""The standards' dimension tables, as pure data. All dimensions are in millimetres unless a table says otherwise."""
