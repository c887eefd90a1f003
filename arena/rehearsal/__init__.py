"""A whole event, rehearsed: real commands and servers, and people whose keyboards are scripted.

It types the commands of server, kiosk, stage and report as an organizer does, and knows none of these packages.
"""
