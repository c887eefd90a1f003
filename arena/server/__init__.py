"""The shared scoreboard as a web server: it believes nothing, and keeps what it has acknowledged.

Requests come in; verified results, the API and pages go out. It knows no report, no kiosk and no client.
"""
