"""How long the rows of score files are kept after their campaign is archived. [O-10]"""
