"""How files come in from a browser, the scoring bucket, or S3's messages. [S-1]"""
