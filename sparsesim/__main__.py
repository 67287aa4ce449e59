"""`python -m sparsesim`."""

import sys

from sparsesim.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
