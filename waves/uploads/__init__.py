"""Lists of fans that become waves without a draw. [W-3]"""
