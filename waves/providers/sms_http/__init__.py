"""SMS through a gateway that speaks plain HTTP. [N-3]"""
