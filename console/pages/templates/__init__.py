"""What stands beside the editor of a template: the preview, and test messages. [N-1]"""
