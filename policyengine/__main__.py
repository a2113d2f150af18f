"""`python -m policyengine`, the same as the command."""

from policyengine.cli.main import main

main()
