"""How long messages and members are kept after their campaign is archived. [O-10]"""
