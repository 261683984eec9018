"""`python -m api` serves the API."""

import gc
import sys

gc.disable()  # nothing that is imported becomes garbage: to look for it costs a start 0.15 s

from api.starting import main  # noqa: E402 - see above

if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
