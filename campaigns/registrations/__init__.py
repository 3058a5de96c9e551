"""Files and records of registrations become registrants. [C-4, C-5]"""
