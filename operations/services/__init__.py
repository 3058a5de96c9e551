"""Processes that run until they are stopped: heartbeats, what goes wrong, the watchdog. [O-2]"""
