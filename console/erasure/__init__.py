"""A fan is erased wherever Fairwave keeps anything of them, with a receipt. [X-11]"""
