"""What the pages of the lake show: partitions by day, files, merges."""
