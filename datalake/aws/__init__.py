"""Amazon's SQS, Kinesis and Glue."""
