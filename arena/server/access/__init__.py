"""Who may do what: tokens, organizers' sessions, and what every request passes first."""
