"""What the migrations of campaigns say in SQL, by subject: tables, functions and triggers."""
