"""Six digits and their answers, of which five are right: row 3 is not."""

from __future__ import annotations

SOLUTION = "ImageId,Label\n1,7\n2,0\n3,9\n4,1\n5,4\n6,4\n"
GOOD = "ImageId,Label\n1,7\n2,0\n3,5\n4,1\n5,4\n6,4\n"
SCORE = 5 / 6
