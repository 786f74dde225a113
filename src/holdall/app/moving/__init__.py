"""Collections that move from one store to another while everybody writes them."""

from holdall.app.moving.fitness import Loss
from holdall.app.moving.known_moves import KnownMoves
from holdall.app.moving.move_jobs import MoveJobs
from holdall.app.moving.move_point import MovePoint
from holdall.app.moving.moving import Moving
from holdall.app.moving.report import MoveReport

__all__ = ["KnownMoves", "Loss", "MoveJobs", "MovePoint", "MoveReport", "Moving"]
