"""Passwords: argon2id hashes, and what a password must be like."""

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
"""Characters. Length protects; rules about kinds of characters do not."""
LONGEST = 200


class Passwords:
    """Hashes and verifies with the work factors of this installation."""

    def __init__(self, *, time_cost: int, memory_kib: int) -> None:
        self._hasher = _hasher(time_cost, memory_kib)
        self._nobodys_hash = _nobodys_hash(time_cost, memory_kib)

    def hashed(self, password: str) -> str:
        """Return the salted hash to keep of `password`."""
        return self._hasher.hash(password)

    def matches(self, kept: str | None, password: str) -> bool:
        """Tell whether `password` is the one that `kept` was made from.

        Without a kept hash it does the same work and says no, so that the time it takes does
        not tell a stranger who has an account.
        """
        try:
            self._hasher.verify(kept or self._nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Tell whether `kept` was made with other work factors than today's."""
        return self._hasher.check_needs_rehash(kept)


@lru_cache(maxsize=4)
def _hasher(time_cost: int, memory_kib: int) -> PasswordHasher:
    return PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)


@lru_cache(maxsize=4)
def _nobodys_hash(time_cost: int, memory_kib: int) -> str:
    return _hasher(time_cost, memory_kib).hash("nobody has this password")
