"""The pages on which waves are planned that follow others. [X-7, X-8]"""
