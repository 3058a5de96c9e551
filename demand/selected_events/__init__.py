"""The events that fans were selected for: saved in the database, and written to DynamoDB where
DEMAND_TABLE names a table. [T-4]
"""
