"""What is kept: streams, Avro files, their catalogue, merges and the archive."""
