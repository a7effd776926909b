"""Bringing requests in from other systems' files: see docs/import.md.

`mapping` says which column is what; `files` reads any table row by row; `rows` turns one row
into values or into the reasons why it can't be; `names` finds or makes units, areas, categories
and teams; `running` does a whole file, batch by batch. For the pages, `background` does so in a
process of its own, and `folders` keeps the files as long as they are needed.
"""
