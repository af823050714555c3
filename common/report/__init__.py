"""A run as one HTML page: score, place, course of the training, mistakes, settings.

evidence   what the page is made from: the run folder, read once
scores     the score and the ladder
course     learning curves and the schedule
classes    confusion matrix, highest losses, class counts
setup      settings, environment, commands
page       the frame, its style, the order of the sections
markup, svg, charts, pictures     what sections are drawn with
"""

from common.report.write import write_report

__all__ = ["write_report"]
