"""Rules that propose who takes a request.

`matching` says which rule fits (pure); `models` keeps the rules that are worked on and the editions
that were put in force; `queries` reads both; `trial` tries a draft on last month's requests. A rule
proposes: what the desk decides is what happens.
"""
