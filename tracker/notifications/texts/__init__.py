"""Words of messages that an administrator puts in place of ours."""
