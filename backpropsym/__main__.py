"""`python -m backpropsym` is the program `backpropsym`."""

from backpropsym.cli.app import main

if __name__ == "__main__":
    main()
