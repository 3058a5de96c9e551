"""A closed campaign is archived: what must hold before, and the job that does it. [C-2, O-10]"""
