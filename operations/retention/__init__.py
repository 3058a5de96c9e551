"""For how long old rows are kept, and how many were deleted. [O-10]"""
