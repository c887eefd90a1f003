"""What the event's page, the report and the web server share: templates, numbers and the axis of scores."""
