"""What Slack is told without anything being wrong: figures, and what was finished. [O-3]"""
