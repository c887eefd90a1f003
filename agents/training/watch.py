"""What happens while an agent learns: episodes, checkpoints and the best agent are written, progress is shown."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from tqdm import tqdm

from agents.networks.sb3 import Sb3Bot
from agents.training.checkpoints import check_sane, restart_games, save_checkpoint, save_snapshot
from agents.training.dagger import DAgger
from agents.training.progress import Progress
from agents.training.runs import write_about, write_episodes


class Stopped(KeyboardInterrupt):
    """Ctrl-C was pressed in something that can be broken off; not an error of a player, so no `Exception`."""


class Watch(BaseCallback):
    """Writes episodes, checkpoints and the best agent; shows progress.

    At the start and at every checkpoint all games start anew, seeded by the run's seed and the step count, in a run
    that goes on just as in one that is resumed there. That makes the two equal, bit for bit, on one machine.

    Args:
        out: folder of the run.
        about: what the run says of itself, as checkpoints hold it.
        episodes: those that were played before the checkpoint that the run goes on from.
        evaluate: gives the model's score; its second argument is called after every decision, with the number of games
            that are over.
        write_agent: writes the model as an agent to a path.
        checkpoint_every: steps between two checkpoints.
        evaluate_every: steps between two evaluations.
    """

    def __init__(
        self,
        out: Path,
        about: dict[str, Any],
        episodes: Sequence[tuple[float, ...]],
        *,
        evaluate: Callable[[BaseAlgorithm, Callable[[int], None]], float],
        write_agent: Callable[[Path, BaseAlgorithm], None],
        checkpoint_every: int,
        evaluate_every: int,
    ) -> None:
        super().__init__()
        self.out, self.about = out, about
        self.rows = list(episodes)
        self.evaluate, self.write_agent = evaluate, write_agent
        self.checkpoint_every, self.evaluate_every = checkpoint_every, evaluate_every
        self.scores: deque[float] = deque(maxlen=100)
        self.stop = False
        """Set from outside: stop after the update that is under way."""
        self.stopped = False
        self.unsaved: dict[str, OSError] = {}
        """What could not be written when it was last tried, and why."""
        self.earlier_seconds = float(about.get("seconds", 0))
        self.earlier_core_seconds = float(about.get("core_seconds", 0))
        self.began, self.core_began = time.monotonic(), time.process_time()
        self.updates = 0

    def begin(self, model: BaseAlgorithm) -> None:
        """Write the first checkpoint of a new run, so that it can be resumed whenever it stops.

        Raises:
            OSError: it can't be written.
        """
        self.model = model
        self.checkpoint()
        if self.unsaved:
            raise self.unsaved["the checkpoint"]

    def _on_training_start(self) -> None:
        self._plan()
        self.progress = Progress("", self.about["steps"], "step", done=self.num_timesteps)
        optimizer: Any = self.model.policy.optimizer
        optimizer.register_step_post_hook(self._on_update)

    def _plan(self) -> None:
        self.next_checkpoint = (self.num_timesteps // self.checkpoint_every + 1) * self.checkpoint_every
        self.next_evaluation = (self.num_timesteps // self.evaluate_every + 1) * self.evaluate_every

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if (episode := info.get("episode")) is not None:
                self.scores.append(episode["r"])
                self.rows.append((self.num_timesteps, episode["r"], episode["l"], round(self.seconds(), 1)))
        self.show()
        return not self.stopped

    def _on_update(self, *_: Any) -> None:
        """After each step of the optimizer; SB3 itself says nothing while it learns."""
        self.updates += 1
        self.show(f"learning, update {self.updates}")

    def _on_rollout_start(self) -> None:
        self.updates = 0
        check_sane(self.model)
        steps = self.model.num_timesteps
        if steps >= self.next_evaluation and not self.stop:
            self.try_out()
        if steps >= self.next_checkpoint or self.stop:
            self.checkpoint()
            self.stopped = self.stop
        self._plan()

    def seconds(self) -> float:
        """Wall clock of the run so far, over all its resumptions."""
        return self.earlier_seconds + time.monotonic() - self.began

    def show(self, doing: str = "") -> None:
        score = f"score {np.mean(self.scores):.1f}" if self.scores else "score none yet"
        said = [score, self.agreement(), doing]
        self.progress.show(self.num_timesteps, ", ".join(part for part in said if part))

    def agreement(self) -> str:
        """How often a pupil decided as its teacher would have, of late and in the moments before lost lives."""
        model = self.model
        if not isinstance(model, DAgger) or not model.agreed:
            return ""
        in_all, at_the_end = f"agrees in {np.mean(model.agreed):.0%}", model.agreed_before_deaths
        return f"{in_all}, before deaths in {np.mean(at_the_end):.0%}" if at_the_end else in_all

    def try_out(self) -> bool:
        """Evaluate the agent and keep it if it is the best so far; False if Ctrl-C broke that off."""

        def tell(games: int) -> None:
            if self.stop:
                raise Stopped
            self.show(f"evaluating, {games} games over")

        check_sane(self.model)
        try:
            score = self.evaluate(self.model, tell)
        except Stopped:
            return False
        self.logger.record("eval/score", score)
        self.logger.dump(self.num_timesteps)  # now: after the last one, SB3 writes no more
        best = self.about.get("best")
        remark = ""
        if best is None or score > best["score"]:
            self.about["best"] = {"score": score, "steps": self.num_timesteps}
            try:
                self.write_agent(self.out / "agent.zip", self.model)
                self.unsaved.pop("agent.zip", None)
                remark = ", the best so far"
            except OSError as error:
                self.about["best"] = best
                self._warn("agent.zip", error, "the one before it stays" if best else "there is none yet")
        if "agent.zip" not in self.unsaved:
            self.about["evaluated"] = self.num_timesteps
        tqdm.write(f"evaluation at {self.num_timesteps:,} steps: {score:.1f} points{remark}")
        return True

    def checkpoint(self) -> None:
        check_sane(self.model)
        self.about["seconds"] = round(self.seconds(), 1)
        self.about["core_seconds"] = round(self.earlier_core_seconds + time.process_time() - self.core_began, 1)
        try:
            write_episodes(self.out / "episodes.csv", self.rows)
            if self.model.num_timesteps:
                save_snapshot(self.out / "snapshots", self.model)
            save_checkpoint(self.out / "checkpoints", self.model, self.about)
            write_about(self.out, self.about)
            self.unsaved.pop("the checkpoint", None)
        except OSError as error:
            self._warn("the checkpoint", error, "the last good one stays")
        restart_games(self.model, self.about["seed"])

    def _warn(self, what: str, error: OSError, rest: str) -> None:
        self.unsaved[what] = error
        tqdm.write(f"warning: {what} at {self.model.num_timesteps:,} steps can't be written ({error}); {rest}.")

    def _on_training_end(self) -> None:
        if not self.stopped:
            self.stopped = not self.try_out()
            self.checkpoint()
        self.progress.close(self.num_timesteps)


class WatchedBot(Sb3Bot):
    """A bot that calls `decided` whenever it has decided."""

    decided: Callable[[], None]

    def scores(self, observations: Sequence[np.ndarray]) -> np.ndarray:
        self.decided()
        return super().scores(observations)


def stop_politely(watch: Watch) -> None:
    """On Ctrl-C, finish the update that is under way and write a checkpoint; on a second one, stop at once."""

    def on_signal(number: int, _frame: Any) -> None:
        if watch.stop:
            raise KeyboardInterrupt
        watch.stop = True
        tqdm.write("Stopping after this update; press Ctrl-C again to stop at once.")

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
