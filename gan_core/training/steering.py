"""The hand on the wheel: does between two rounds what people ask of a run in its control.json."""

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace

from gan_core.errors import UserError, unknown
from gan_core.training.changes import Change, live
from gan_core.training.control import ENDS, Control, Order, Wish
from gan_core.training.events import Changed, Event, Refused, Sample, Step
from gan_core.training.folder import RunFolder, State
from gan_core.training.observe import Eye
from gan_core.training.rewind import go_back, write_settings
from gan_core.training.trainer import Trainer

LOOK = 0.1  # seconds between two looks at control.json: a person does not notice less, and a network folder is spared
FATAL = ("diverged", "run_gone")  # what ends the run, whoever's order it was found by


class Steering:
    """Steers one sitting. `goal`: a step at which the run pauses by itself, once it has been played again up to it."""

    def __init__(
        self, trainer: Trainer, folder: RunFolder, stopping: Callable[[], bool], goal: int | None = None
    ) -> None:
        self.trainer, self.folder, self.stopping, self.goal = trainer, folder, stopping, goal
        self.state: State = "running"
        self.eye: Eye | None = None  # looks at the round that is played next
        self.by_hand: Order | None = None  # what that round is played for
        self.left_for: Wish | None = None  # how a person ended the run; whoever wishes else while it leaves is too late
        self._looked = 0.0

    def obey(self, events: Iterable[Event]) -> Generator[Event]:
        """Pass on events; after each Step do what is asked, and tell what came of it. Ends where the run is to end.

        A Resumed is the last one of its kind: the run stands at another step then, and is to be begun from there.
        """
        self._put_down()
        self.trainer.returning = False
        if self.goal == self.trainer.steps_done and not (yield from self._attend()):
            if self.trainer.steps_done < self.trainer.config.steps and not self.trainer.returning:
                self.trainer.ranks.stop()  # run() has not begun, and so does not notice that it is left
            return
        for event in events:
            yield event
            if isinstance(event, Step) and not (yield from self._attend()):
                return

    def _attend(self) -> Generator[Event, None, bool]:
        """Everything between two rounds. Returns whether there is to be another."""
        folder, seen = self.folder, self.eye is not None
        if self.goal is not None and self.trainer.steps_done >= self.goal:
            yield from self._arrive()
        elif seen:
            yield from self._tell()
        elif not self.stopping() and time.monotonic() - self._looked < LOOK:
            return True
        began, now = time.monotonic(), folder.control
        while not self.stopping() and now.wish not in ENDS:
            folder.check()
            if orders := now.after(folder.served):
                yield from self._serve(orders[0])
                if self.trainer.returning:
                    return False
                if self.by_hand:
                    return self._play_on(now)
            elif now.wish == "pause" or (now.wish == "slow" and seen and time.monotonic() - began < now.pace):
                self._stand("paused" if now.wish == "pause" else "running")
                time.sleep(LOOK)
            else:
                return self._play_on(now)
            now = folder.control
        self.left_for = now.wish if now.wish in ENDS else None
        return False

    def _play_on(self, now: Control) -> bool:
        self._looked = time.monotonic()
        if not self.by_hand:
            self._stand("running")
        self.eye = Eye(self.trainer, "both", slow=not self.by_hand) if self.by_hand or now.wish == "slow" else None
        self.trainer.plain = self.eye is not None
        return True

    def _tell(self) -> Generator[Event]:
        """What was seen of the round that has just been played."""
        if self.eye:
            yield replace(self.eye.tell(), order=self.by_hand.n if self.by_hand else 0)
        if self.by_hand:
            yield self._sheet()
        self._put_down()

    def _put_down(self) -> None:
        """Nothing is looked at any more, and what was asked for is done."""
        if self.by_hand:
            self._served(self.by_hand)
        self.eye, self.by_hand, self.trainer.plain = None, None, False

    def _arrive(self) -> Generator[Event]:
        """The run stands where a person wanted it to go back to."""
        self.goal = None
        self._put_down()
        self.folder.settle("pause")
        yield self._sheet()

    def _serve(self, order: Order) -> Generator[Event]:
        """Do what is ordered, or say why not."""
        try:
            told = self._do(order)
        except UserError as error:
            if error.key in FATAL:
                raise
            told = [Refused(self.trainer.steps_done, error.said("en"), error.said("zh"), order.n)]
        if self.trainer.returning:  # nobody comes back here
            self._served(order)
        yield from told
        if not self.by_hand:
            self._served(order)

    def _do(self, order: Order) -> list[Event]:
        """Raises UserError, with nothing done, for what cannot be."""
        if not self.trainer.ranks.alone and self.trainer.steps_done >= self.trainer.config.steps:
            raise UserError("at_the_end", name=self.folder.name, steps=f"{self.trainer.config.steps:,}")
        what: Callable[[Order], list[Event]] | None = {"set": self._set, "move": self._move, "back": self._back}.get(
            order.do
        )
        if what is None:
            raise unknown("order", order.do, ("set", "move", "back"))
        return what(order)

    def _set(self, order: Order) -> list[Event]:
        """Other settings from the next step on."""
        trainer = self.trainer
        now = live(trainer.config, order.values.get("train"))
        if not now:
            return []
        was = {name: getattr(trainer.config, name) for name in now}
        self._change(Change(trainer.steps_done, train=now))
        return [Changed(trainer.steps_done, was, now, order.n)]

    def _move(self, order: Order) -> list[Event]:
        """One move of D, one of G, or a round, which is played when this is over."""
        trainer, who = self.trainer, order.values.get("who")
        if who not in ("D", "G", "both"):
            raise unknown("player", str(who), ("D", "G", "both"))
        if who == "both" and trainer.steps_done >= trainer.config.steps:
            raise UserError("at_the_end", name=self.folder.name, steps=f"{trainer.config.steps:,}")
        self.goal, self.state = None, "paused"
        if self.folder.wish != "pause":
            self.folder.settle("pause")
        if who == "both":
            self.by_hand = order
            return []
        eye = Eye(trainer, who)
        self._change(Change(trainer.steps_done, move=who))
        return [replace(eye.tell(), order=order.n), self._sheet()]

    def _back(self, order: Order) -> list[Event]:
        """To a step that has been played."""
        trainer, step = self.trainer, order.values.get("step")
        if type(step) is not int:
            raise UserError("config_type", field="step", got=repr(step), wanted="a whole number")
        if not 0 <= step <= trainer.steps_done:
            raise UserError("out_of_range", field="step", got=step, low=0, high=trainer.steps_done)
        if step == trainer.steps_done and not any(change.step == step for change in trainer.changes):
            self.folder.settle("pause")  # it stands there
            return []
        resumed = go_back(trainer, self.folder, step)
        self.goal = step
        self.folder.settle("run")
        self.state, trainer.returning = "running", True
        return [resumed]

    def _change(self, change: Change) -> None:
        """Written first: who was killed between the two resumes as if it had been made."""
        write_settings(self.trainer, self.folder, [change])
        self.trainer.change(change)

    def _sheet(self) -> Sample:
        return Sample(self.trainer.steps_done, self.trainer.paint())

    def _served(self, order: Order) -> None:
        self.folder.served = order.n
        self.folder.write_status(self.state, self.trainer.steps_done)

    def _stand(self, state: State) -> None:
        """Say how the run stands, at once where that is news."""
        if state != self.state:
            self.state = state
            self.folder.write_status(state, self.trainer.steps_done)
        self.folder.beat(state, self.trainer.steps_done)
