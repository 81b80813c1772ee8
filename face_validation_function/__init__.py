"""Face validation: is the person in this photo the person of that trusted image?"""
