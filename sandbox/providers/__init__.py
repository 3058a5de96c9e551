"""Contracts of providers that are real companies, as their documentation describes them."""
