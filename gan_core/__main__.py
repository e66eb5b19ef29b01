"""python -m gan_core."""

from gan_core.cli import main

raise SystemExit(main())
