"""`python -m arena.kiosk FOLDER DB SIZE SERVER`: what the watchdog starts. Processes of its own don't run it again."""

if __name__ == "__main__":
    import sys

    from arena.kiosk.app import main

    sys.exit(main(sys.argv[1:]))
