"""Pages of what is counted: a campaign's figures over time, the success metrics. [O-3, O-8]"""
