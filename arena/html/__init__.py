"""What the event's page, the report and the web server share: templates, numbers and the axis of scores.

Results come in, HTML goes out. It knows neither the report nor the server.
"""
