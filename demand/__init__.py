"""The demand archive: change events of fans' demand become Avro files and current states."""
