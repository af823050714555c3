"""The leak report: what could make the score at home better than the score on the host's board.

report        the checks together: the table of the folds, the lines, the files
sides         groups and ids on both sides of a split, rows from the future, ids in train and test
repeats       equal and nearly equal items across splits, and between train and test
adversarial   whether the rows of test can be told from those of train
described     what a pipeline says of its items, or its columns do
sizes         the folds' rows and classes
findings      a leak, a warning or a note

Import its modules one by one: training needs `sides` alone, and what is imported travels with a
kernel.
"""

__all__: list[str] = []
