"""What rows are like, without what they answer: keys by which equal rows are found, and a few
plain facts of each row by which a set of rows may differ from another.

tables     rows of numbers, categories, arrays
texts      their lengths, their signs, their commonest words
pictures   their sizes, their files, their colours
"""

from common.traits.pictures import picture_traits
from common.traits.tables import row_keys, table_traits, tells_rows_apart
from common.traits.texts import text_traits

__all__ = ["picture_traits", "row_keys", "table_traits", "tells_rows_apart", "text_traits"]
