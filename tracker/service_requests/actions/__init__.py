"""Everything that changes a service request.

Each function asks permission first, then takes one step and writes it into the history. None of
them commits: see `tracker.database.transaction`. Callers pass a request that they read with
`queries.find_for_change` in the same transaction.
"""
