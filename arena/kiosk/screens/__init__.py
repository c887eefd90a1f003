"""The kiosk's screens, one per file. Each takes presses and time, draws itself, and says what comes next."""
