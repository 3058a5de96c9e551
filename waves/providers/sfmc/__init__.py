"""E-mail through Salesforce Marketing Cloud's transactional messaging API. [N-5]"""
