"""Files of rows as bytes and text: score files, CSV, registrations, and their limits. [S-1, S-3]"""
