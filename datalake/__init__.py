"""Streams, Avro files, their catalogue, merges and the archive."""
