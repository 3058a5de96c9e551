"""How work is done: jobs, alerts, commands, logs. It knows nothing of campaigns."""
