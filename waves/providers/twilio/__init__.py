"""SMS through Twilio's Messages API. [N-3]"""
