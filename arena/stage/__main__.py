"""`python -m arena.stage FOLDER DB SIZE NAME DISPLAY`: what the watchdog starts."""

if __name__ == "__main__":
    import sys

    from arena.stage.app import main

    sys.exit(main(sys.argv[1:]))
