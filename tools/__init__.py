"""Commands for those who work on the code. Nothing here runs in production."""
