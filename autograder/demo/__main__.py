"""``python -m autograder.demo``."""

import sys

from autograder.demo import main

sys.exit(main())
