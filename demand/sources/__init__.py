"""Where change events come from: a Kinesis stream, an uploaded file, or a replay. [D-1]"""
