"""The catalogue of the campaign lake, mirrored to other catalogues. [L-4]"""
