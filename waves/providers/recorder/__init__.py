"""Messages are recorded instead of sent, for rehearsals. [X-6]"""
