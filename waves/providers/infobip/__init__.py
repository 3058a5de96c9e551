"""SMS through Infobip's SMS API. [N-3]"""
