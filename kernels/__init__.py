"""What runs on Kaggle: start, then train or infer."""

# A package of this name from the hub's makers exists. Where theirs is looked for and ours is found,
# this says that it is too old for them, so they go on without it.
__version__ = "0"
