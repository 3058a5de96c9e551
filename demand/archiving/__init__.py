"""A batch of change events becomes files and current states, each exactly once. [D-5]"""
