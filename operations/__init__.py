"""Jobs, alerts, commands and logs. It knows nothing of campaigns."""
