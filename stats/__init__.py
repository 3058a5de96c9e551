"""What is counted, for people: figures of campaigns, summaries on Slack, success metrics."""
