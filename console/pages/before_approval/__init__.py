"""What is done with a wave before somebody approves it: pre-flight and rehearsal. [X-6]"""
