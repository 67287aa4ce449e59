"""The page of a study."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reports.page.model import Card, Page, Section, Table
from reports.page.study_table import Asked, best_table, effects_table, failed_table, points_table
from reports.study.labels import limit_text, shown_figure, shown_setting, short_names
from reports.study.marked import marked_points
from reports.study.points import Mask, allowed, best_first, done_points, settings_of, values_of, workloads
from reports.study.sensitivity import STEM as SENSITIVITY
from reports.study.sentences import counts, errors, goals, meeting, points_text, said
from reports.text import shown_name
from sparsesim.study.asked import frame_of_question
from sparsesim.study.definition import FLAGS_SOURCE
from sparsesim.study.objectives import Objective
from sparsesim.study.session import Question, last_question
from workloads.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame

    from reports.figures.drawing import Drawing
    from sparsesim.study.store import Session, Study

_MOST_CARDS = 8
_MOST_SESSIONS = 20
_MOST_SETTINGS = 6  # of a design, on a card
_LONGEST_FILE_BYTES = 200_000
_REPRODUCE = """\
python -m sparsesim show STUDY ROW            the command that simulates one row by itself, and its figures
python -m sparsesim show STUDY ROW --layers   the same row layer by layer
python -m sparsesim show STUDY ROW --export DIR
                                              machine and energies of the row as they were
python -m sparsesim show STUDY --csv FILE     all rows, all figures
STUDY is the folder of the study, ROW a number of the tables above."""
