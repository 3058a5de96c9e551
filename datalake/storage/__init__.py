"""The two buckets, each a folder or a bucket on S3."""
