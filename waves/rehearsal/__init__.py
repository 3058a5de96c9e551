"""The whole wave sent to a recording provider before it is sent to fans. [X-6]"""
