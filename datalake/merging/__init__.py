"""Many small files of a period become one: by schedule, or because a person asked. [L-3]"""
