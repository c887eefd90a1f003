"""A whole event, rehearsed: real commands and servers, and people whose keyboards are scripted."""
