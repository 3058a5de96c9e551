"""The figures of open campaigns, saved every five minutes. [O-3]"""
