"""How much: a little in `make test`, all of it with TORTURE=1."""

import os
from typing import Final

IS_FULL: Final = os.environ.get("TORTURE", "") == "1"
