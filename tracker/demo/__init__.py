"""The demonstration: a small invented town, made through the actions with a fixed seed."""
