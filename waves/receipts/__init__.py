"""What providers post: delivery receipts, objections, texts from fans. [N-3, N-8]"""
