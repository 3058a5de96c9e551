"""Processes that run until they are stopped: heartbeats, queues, troubles, the watchdog. [O-2]"""
