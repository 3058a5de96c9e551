"""Selection, preparation, approval and sending of waves."""
