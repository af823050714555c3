"""What rows are like, without what they answer: keys by which equal rows are found, and a few
plain facts of each row by which a set of rows may differ from another.

tables     rows of numbers, categories, arrays
texts      their lengths, their signs, their commonest words
pictures   their sizes, their files, their colours

Import its modules one by one: what is imported travels with a kernel.
"""

__all__: list[str] = []
