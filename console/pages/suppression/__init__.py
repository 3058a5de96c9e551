"""Contacts that get no messages: the page of operators, and that of readers who unsubscribe."""
