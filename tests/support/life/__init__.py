"""The life of codes and waves: their rules asked of the database, and a code service at hand."""
