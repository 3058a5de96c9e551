"""Who is selected: candidates, markets, seats. [W-5]"""
