"""`python -m arena.kiosk FOLDER DB SIZE`: what the watchdog starts. Processes that it starts do not run it again."""

if __name__ == "__main__":
    import sys

    from arena.kiosk.app import main

    sys.exit(main(sys.argv[1:]))
