"""What stands beside the editor of a template: the preview. [N-1]"""
