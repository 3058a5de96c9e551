"""What people see across the apps: the operators' pages and the public page of a draw."""
