"""The kiosk: the arena as an arcade machine that people walk up to, and that an organizer leaves running all day."""
