"""Whether a score file's draw was fair: counts, tests, and the report. [X-3]"""
