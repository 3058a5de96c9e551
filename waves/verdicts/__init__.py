"""Published codes become verdicts: transform judges the records of `input`, and save selection
tells who was selected. [T-3, T-4]
"""
