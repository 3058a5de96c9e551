"""The whole site: a row behind every page, and every form that is found on them."""
