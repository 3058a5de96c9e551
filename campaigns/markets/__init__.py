"""The markets of a campaign: their boxes, their order, what uses them. [C-3]"""
