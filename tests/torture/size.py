"""How much: a little in `make test`, all of it with TORTURE=1."""

import os
from typing import Final

import pytest

IS_FULL: Final = os.environ.get("TORTURE", "") == "1"
takes_its_time = pytest.mark.timeout(7200 if IS_FULL else 180)
