"""`python -m calsync_core`: the operator's commands."""

import sys

from calsync_core.bootstrap.operator import main

sys.exit(main())
