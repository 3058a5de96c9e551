"""Who is notified, and how: selection, preparation, approval, sending."""
